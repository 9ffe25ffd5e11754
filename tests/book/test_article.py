"""The checks of the written markup see what they are for."""

import pytest
from check_article import Article, article_problems, figure_problems, raw_tex

IMAGE = '<img src="a.svg" width="9" height="9" alt="one two three four five six seven eight"/>'
CAPTION = (
    '<figcaption><p><span class="caption-number">Figure 1</span> What is seen.</p></figcaption>'
)
FIGURE = f'<figure id="fig-a">{IMAGE}{CAPTION}</figure>'


def article(body):
    return Article(f"<body><p>outside <img src='logo.svg'/></p><article>{body}</article></body>")


@pytest.mark.parametrize(
    "body", ["", FIGURE, f'<div class="figure-from">{IMAGE}<div>x</div></div>']
)
def test_good_figures_pass(body):
    assert figure_problems(article(body)) == []


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (" eight", ""),
        ('alt="one two three four five six seven eight"', ""),
        (' width="9"', ""),
        (' height="9"', ""),
        ('<span class="caption-number">Figure 1</span>', ""),
        (CAPTION, ""),
        ('<figure id="fig-a">', "<div>"),
    ],
)
def test_a_broken_figure_fails(old, new):
    assert len(figure_problems(article(FIGURE.replace(old, new)))) == 1


def test_a_figure_after_a_pasted_one_is_held_to_the_rule():
    body = f'<div class="figure-from"><div>{IMAGE}</div></div><div>{IMAGE}</div>'
    assert len(figure_problems(article(body))) == 1


@pytest.mark.parametrize(
    "text", ["$$x$$", r"\(x\)", r"\[x\]", r"the $\sigma$ of it", r"\frac12", "$x_1$"]
)
def test_raw_tex_fails(text):
    assert raw_tex(article(f"<p>{text}</p>"))


@pytest.mark.parametrize(
    "body",
    [
        r"<code>\frac12</code>",
        r"<pre>$$x$$</pre>",
        r"<annotation>\sigma</annotation>",
        "<p>5 $ and 6 $</p>",
        "<p>σ</p>",
    ],
)
def test_what_is_shown_as_it_stands_passes(body):
    assert raw_tex(article(body)) == []


@pytest.mark.parametrize(
    ("link", "problems"),
    [
        ("b.html", 0),
        ("b.html#place", 0),
        ("#here", 0),
        ("../x/b.html", 0),
        ("https://example.org/", 0),
        ("mailto:a@example.org", 0),
        ("c.html", 1),
        ("b.html#nowhere", 1),
        ("#nowhere", 1),
    ],
)
def test_links(tmp_path, link, problems):
    folder = tmp_path / "x"
    folder.mkdir()
    one, other = folder / "a.html", folder / "b.html"
    one.write_text(f'<article id="here"><a href="{link}">out</a></article>')
    other.write_text('<article><p id="place">x</p></article>')
    assert len(article_problems(tmp_path, [one, other])) == problems
