"""What the plan of the book asked for, row by row, which claims answer it, and what was not run.

A work can have a claim although only half of what was planned for it ran: `gaps` are the rows that say so.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Planned:
    """One row of the plan.

    Attributes
    ----------
    key : str
        Of the cited work in the bibliography, or of the demand, suggestion or consequence.
    claims : tuple of str
        Keys of the claims that answer it.
    missing : str
        What was asked for and not run; empty if nothing.
    instead : str
        What was done in its place, and why; given with `missing`.
    """

    key: str
    claims: tuple[str, ...]
    missing: str = ""
    instead: str = ""

    def __post_init__(self) -> None:
        if not self.claims:
            raise ValueError("claims must name at least one, was empty")
        if bool(self.missing) != bool(self.instead):
            raise ValueError(
                f"missing and instead must be given together, were {self.missing!r} "
                f"and {self.instead!r}"
            )


WORKS: tuple[Planned, ...] = (
    Planned("zhang2021rethinking", ("fits-random-labels", "regularisation-not-needed")),
    Planned("arpit2017", ("right-labels-first", "dropout-slows-memory")),
    Planned("krogh1991", ("decay-optimum", "decay-irrelevant", "bulk-moves-as-kappa")),
    Planned("srivastava2014", ("dropout-helps",)),
    Planned("han2015", ("pruning-tenfold",)),
    Planned(
        "lu2008",
        ("lu-noise-band", "lu-cleaner-speech"),
        "Recordings of speech.",
        "A synthetic vowel in white noise, whose clean form is known; no package of this book has recordings.",
    ),
    Planned(
        "aparicio2020",
        ("aparicio-sparsity", "aparicio-biology"),
        "Measured counts of genes.",
        "Counts drawn from Poisson laws with a known number of cell types; no package of this book has measured ones.",
    ),
    Planned(
        "plerou2002",
        ("plerou-deviating", "plerou-risk"),
        "Prices of hundreds of stocks.",
        "Synthetic returns of 300 stocks with known factors: only where the truth is known can the true risk be "
        "computed, and no package of this book has the prices of more than a few.",
    ),
    Planned(
        "thamm2022",
        (
            "thamm-spacings",
            "random-vectors",
            "random-vectors-encoder",
            "universal-spacings",
            "no-tail-index",
        ),
    ),
    Planned("martin2021implicit", ("phases-of-training", "batch-size-walks", "heavy-tails")),
    Planned(
        "martin2021predicting",
        ("smaller-exponent-better", "exponent-label-noise", "exponent-hyperparameters"),
    ),
    Planned(
        "meng2023",
        ("stopping-own", "stopping-borrowed", "stopping-difficulty", "stopping-epoch"),
    ),
    Planned("baskerville2022", ("hessian-spacings",)),
    Planned(
        "prakash2025",
        ("grokking-delay", "grokking-exponent", "grokking-traps", "grokking-collapse"),
        "10⁷ steps, after which generalisation is said to collapse, and 10⁵ for grokking itself.",
        "40,000 steps at most. At the pace of the stored runs ten million take a night for each seed.",
    ),
    Planned(
        "staats2023",
        ("filtering-wrong-labels",),
        "A fifth level of label noise.",
        "Four levels, 0 to 60 % of the labels random, on two data sets with five seeds; beyond 60 % there is little "
        "left to filter for.",
    ),
    Planned("berlyand2024", ("pruning-accuracy", "pruning-variance")),
    Planned("benaych2012", ("benaych-cosines",)),
    Planned("ke2023", ("bema-level", "which-bema-level")),
    Planned(
        "glorot2010",
        ("glorot-variance",),
        "Three initialisations.",
        "The judged layers have Glorot's normal one; PyTorch's uniform one is seen in {ref}`ch-training`. The law "
        "knows an initialisation by its variance alone, so a third would say nothing new.",
    ),
    Planned(
        "berlyand2025",
        (
            "randomness-shrinks",
            "random-share-shrinks",
            "pruning-after-decay",
            "cut-after-decay",
        ),
        "Vision transformers on ImageNet.",
        "A perceptron and LeNet-5, with L2 and with L1; transformers on ImageNet are too large for two processor "
        "cores.",
    ),
    Planned("marchenko1967", ("marchenko-pastur",)),
    Planned("johnstone2001", ("johnstone-largest",)),
    Planned("zhang2016", ("responses-over-weights",)),
    Planned("lecun1998", ("lenet-accuracy",)),
    Planned("krizhevsky2017", ("alexnet-bulk",)),
)

DEMANDS: tuple[Planned, ...] = (
    Planned("core", ("core",)),
    Planned(
        "right-1",
        ("right-1",),
        "Two more estimators, a stepwise test and a fixed share of the energy.",
        "BEMA against broadening, the two of the paper, in layers whose noise is known. A share of the energy names no "
        "noise level, so that nobody can say whether it is the better estimator; the stepwise test is compared where "
        "the rank is known, {ref}`ch-which`.",
    ),
    Planned("right-2", ("right-2",)),
    Planned("right-3", ("right-3",)),
    Planned("right-4", ("right-4",)),
    Planned("line-1", ("line-1", "line-1-multiple")),
    Planned("line-2", ("line-2-parts", "line-2-digits")),
    Planned(
        "line-3",
        ("line-3",),
        "The sentence encoder, one matrix at a time.",
        "Every layer of 55 small networks; of the encoder all matrices of a kind together, {ref}`ch-encoder`, since "
        "that chapter asks which kind of matrix the sentences need.",
    ),
    Planned("settle-it", ("settle-it",)),
    Planned(
        "premise",
        ("premise",),
        "A recurrent network, as the last rung of a ladder from untrained to far from the law.",
        "The ladder goes from untrained over memorising networks to the sentence encoder, {ref}`ch-encoder`, most of "
        "whose bulks lie beyond the last band of the verdict; a recurrent network needs texts and a training of its "
        "own.",
    ),
    Planned("figure-1", ("figure-1",)),
    Planned("figure-2", ("figure-2",)),
    Planned(
        "figure-3",
        ("figure-3",),
        "Many seeds with a learning rate in proportion to the batch size.",
        "One seed of that protocol, in an exercise of {ref}`ch-figure-3`; equal epochs and equal steps have five, "
        "since they are the two readings of the paper's figure, and this one is neither.",
    ),
    Planned(
        "major-1",
        ("major-1",),
        "A Porter–Thomas test beside every threshold.",
        "The distance from the law and its verdict beside every threshold; the test in {ref}`ch-tails` alone, since it "
        "speaks of vectors and a threshold of values, and of the noise level it says nothing.",
    ),
    Planned("major-2", ("major-2",)),
    Planned(
        "minor-equation",
        ("minor-equation",),
        "A measurement: the demand is one of editing.",
        "{ref}`ch-alignment` numbers the definition of the score and states its weights and sides.",
    ),
    Planned("promise-i", ("promise-i",)),
    Planned(
        "promise-ii",
        ("promise-ii",),
        "ResNet-50 and VGG-16 on ImageNet.",
        "Small convolutional networks on three data sets, and a sentence encoder that others trained; neither the "
        "images nor the time are at hand.",
    ),
    Planned("promise-iii", ("promise-iii",)),
)


def gaps() -> list[Planned]:
    """The rows of which something was not run, works first."""
    return [row for row in (*WORKS, *DEMANDS) if row.missing]
