"""The texts by which the experiment on the sentence encoder tells what a change does to it.

Eighty plain sentences of our own, four in a row on each of twenty topics. They are so written that the unchanged
encoder finds a text's nearest neighbour within its topic: neighbours that change then mean something.
"""

from __future__ import annotations

TEXTS: tuple[str, ...] = (
    # weather
    "Heavy rain and strong wind are expected all night.",
    "A cold wind from the north will bring the first snow.",
    "The weather forecast promises sunshine for the whole weekend.",
    "Tomorrow's weather will be cloudy, with fog in the morning.",
    # cooking
    "Simmer the soup gently until the carrots are soft.",
    "She kneaded the bread dough and left it to rise.",
    "Add a pinch of salt and two cloves of garlic to the soup.",
    "Bake the bread in a hot oven until the crust is brown.",
    # football
    "The goalkeeper saved a penalty in the last minute.",
    "Their striker scored twice before half-time.",
    "The referee showed a red card to the defender.",
    "The home team won the cup after a late goal.",
    # health
    "The doctor gave the patient tablets for his high blood pressure.",
    "A nurse at the hospital took the patient's temperature.",
    "The doctor says that a vaccine protects children against measles.",
    "The patient has had a fever and a sore throat since Monday.",
    # astronomy
    "The telescope photographed a galaxy far beyond our own.",
    "Jupiter is the largest planet and has dozens of moons.",
    "The comet and the planet Venus can be seen through a small telescope.",
    "A distant star in another galaxy swells into a red giant.",
    # money
    "The bank raised the interest rate on its loans.",
    "Savers took their money out of the bank when its shares fell.",
    "He puts a tenth of his salary into a savings account at the bank.",
    "Savers gain and borrowers lose when interest rates rise.",
    # railways
    "The train to the coast leaves from platform four.",
    "A signal fault delayed all the morning trains.",
    "We bought our train tickets at the station.",
    "The railway is laying new tracks for faster trains.",
    # dogs
    "The puppy chewed the old dog's toy to pieces.",
    "Our old dog sleeps beside the fire all day.",
    "The dog barks whenever somebody comes to the door.",
    "She throws a ball and her dog brings it back.",
    # gardening
    "Plant the tulip bulbs in the garden before the ground freezes.",
    "The roses in the garden need pruning early in the spring.",
    "Sow the lettuce next to the tomatoes in the vegetable bed.",
    "He waters the vegetables in his garden each evening.",
    # music
    "The violinist plays in an orchestra.",
    "The orchestra tuned its instruments before the symphony.",
    "She plays the piano and the violin.",
    "The audience applauded the pianist at the end of the concert.",
    # school
    "The teacher handed back the marked essays.",
    "Pupils must give their homework to the teacher by Friday.",
    "The teacher gave her pupils a history exam.",
    "The pupils in the classroom were silent during the test.",
    # computers
    "The program crashed because it ran out of memory.",
    "The computer was slow because its memory was full.",
    "A virus destroyed the files on my computer.",
    "She fixed the bug in the program by changing one line of code.",
    # the sea
    "The ship sank in a storm far out at sea.",
    "The sailors lowered the sails of their ship as the storm came nearer.",
    "High waves kept the fishing boats out of the harbour.",
    "Divers found the wreck of a ship at the bottom of the sea.",
    # law
    "The jury found the defendant not guilty.",
    "The defendant's lawyer asked the court for more time.",
    "The judge sentenced the thief to two years in prison.",
    "A witness told the court what she had seen.",
    # building
    "The builders finished the brick walls of the house.",
    "The builders are putting a new roof on the house.",
    "The architect drew the plans of the house.",
    "The walls of the new house stand on concrete.",
    # politics
    "Voters will elect a new parliament in May.",
    "The prime minister lost the election and left parliament.",
    "The party promised lower taxes if voters elect it.",
    "Parliament passed the new law by a narrow majority.",
    # painting
    "The museum bought a portrait by a Dutch master.",
    "The artist mixed blue and yellow paint to get a bright green.",
    "The artist painted a portrait of his wife in oil.",
    "Her paintings hang in the largest room of the museum.",
    # birds
    "The birds fly south when the days grow short.",
    "A small brown bird sang in the top of the oak.",
    "The bird feeds the chicks in its nest with worms.",
    "Thousands of geese fly over the lake each autumn.",
    # clothes
    "He wore a woollen coat over his jacket.",
    "He ironed his white shirt and put on a tie.",
    "The tailor shortened the sleeves of the shirt and the jacket.",
    "She wore a long silk dress to the wedding.",
    # mathematics
    "The mathematician wrote down a short proof of the theorem.",
    "There is a famous proof that there are infinitely many prime numbers.",
    "The mathematician solved the equation and drew its graph.",
    "A theorem of geometry gives the sum of the angles of a triangle.",
)
