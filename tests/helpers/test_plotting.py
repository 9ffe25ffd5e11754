"""The palette can be told apart, on light and on dark paper; figures come out as the book needs them."""

import io
import itertools
import re
import subprocess
import sys

import matplotlib as mpl
import numpy as np
import pytest
from markdown_it import MarkdownIt

mpl.use("agg")
import matplotlib.pyplot as plt

from rmt_helpers import MarchenkoPastur, SingularValueLaw, TracyWidom, plotting

LIGHT, DARK = "#fdfdfc", "#12161d"  # the paper of book/_static/book.css

# Full loss of one kind of cone (Machado, Oliveira and Fernandes 2009, severity 1), on linear RGB.
SIGHT = {
    "full": np.eye(3),
    "protanopia": np.array(
        [
            [0.152286, 1.052583, -0.204868],
            [0.114503, 0.786281, 0.099216],
            [-0.003882, -0.048116, 1.051998],
        ]
    ),
    "deuteranopia": np.array(
        [
            [0.367322, 0.860646, -0.227968],
            [0.280085, 0.672501, 0.047413],
            [-0.011820, 0.042940, 0.968881],
        ]
    ),
    "tritanopia": np.array(
        [
            [1.255528, -0.076749, -0.178779],
            [-0.078411, 0.930809, 0.147602],
            [0.004733, 0.691367, 0.303900],
        ]
    ),
}


def rgb(code):
    return np.array([int(code[i : i + 2], 16) for i in (1, 3, 5)]) / 255


def linear(color):
    return np.where(color <= 0.04045, color / 12.92, ((color + 0.055) / 1.055) ** 2.4)


def gamma(color):
    color = np.clip(color, 0, 1)
    return np.where(color <= 0.0031308, 12.92 * color, 1.055 * color ** (1 / 2.4) - 0.055)


def contrast(one, other):
    low, high = sorted(linear(c) @ [0.2126, 0.7152, 0.0722] for c in (one, other))
    return (high + 0.05) / (low + 0.05)


def lab(color):
    to_xyz = [
        [0.4124564, 0.3575761, 0.1804375],
        [0.2126729, 0.7151522, 0.072175],
        [0.0193339, 0.119192, 0.9503041],
    ]
    xyz = np.array(to_xyz) @ linear(color) / [0.95047, 1, 1.08883]
    f = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


def dark(color):
    """What the style sheet makes of a colour in dark mode: invert(0.88) hue-rotate(180deg)."""
    gray = np.array([[0.213, 0.715, 0.072]] * 3)
    return np.clip((2 * gray - np.eye(3)) @ (0.88 - 0.76 * color), 0, 1)


@pytest.mark.parametrize("name", plotting.COLORS)
def test_colours_stand_out_from_the_paper(name):
    color = rgb(plotting.COLORS[name])
    assert contrast(color, rgb(LIGHT)) >= 3
    assert contrast(dark(color), rgb(DARK)) >= 3


@pytest.mark.parametrize("sight", SIGHT)
@pytest.mark.parametrize("mode", [lambda color: color, dark], ids=["light", "dark"])
def test_colours_can_be_told_apart(mode, sight):
    seen = {
        name: lab(gamma(SIGHT[sight] @ linear(mode(rgb(code)))))
        for name, code in plotting.COLORS.items()
        if name not in {"muted", "ink"}
    }
    for one, other in itertools.combinations(seen, 2):
        assert np.linalg.norm(seen[one] - seen[other]) > 20, (one, other)


@pytest.fixture
def style():
    with mpl.rc_context():
        plotting.use_style()
        yield
        plt.close("all")


def svg(fig):
    buffer = io.BytesIO()
    fig.savefig(buffer, format="svg", metadata={"Date": None})
    return buffer.getvalue().decode()


@pytest.mark.usefixtures("style")
class TestFigure:
    def test_is_transparent_and_repeats_exactly(self):
        def draw():
            fig, ax = plotting.figure()
            plotting.law_curve(ax, MarchenkoPastur(0.5), label="law")
            return svg(fig)

        one = draw()
        assert one == draw()
        assert not re.search(r'<g id="patch_1">\s*<path[^>]*fill: #', one)

    def test_labels_are_legible_on_a_phone(self):
        """At 360 pixels a full-width figure is 350 pixels wide; labels should then be 8 pixels or more."""
        fig, ax = plotting.figure("full")
        scale = 350 / (fig.get_size_inches()[0] * 96)
        for text in (ax.xaxis.label, *ax.get_xticklabels()):
            assert text.get_fontsize() * 96 / 72 * scale >= 7.5

    @pytest.mark.parametrize(("width", "inches"), plotting.WIDTHS.items())
    def test_widths(self, width, inches):
        fig, axes = plotting.figure(width, ncols=2)
        assert fig.get_size_inches()[0] == inches
        assert len(axes) == 2

    def test_height_and_other_arguments_go_through(self):
        fig, axes = plotting.figure("half", 5, nrows=2, ncols=3, sharex=True)
        assert fig.get_size_inches()[1] == 5
        assert axes.shape == (2, 3)

    def test_unknown_width(self):
        with pytest.raises(ValueError, match="width should be one of .*'full'.*, was 'huge'"):
            plotting.figure("huge")


@pytest.mark.usefixtures("style")
class TestMarks:
    def test_histogram_has_unit_area(self):
        _, ax = plotting.figure()
        heights, edges, _ = plotting.density_histogram(ax, [1.0, 2, 2, 3], bins=7)
        assert np.sum(heights * np.diff(edges)) == pytest.approx(1)

    @pytest.mark.parametrize("name", plotting.COLORS)
    def test_histogram_has_an_outline_that_stands_out_and_a_filling_that_a_curve_does(self, name):
        _, ax = plotting.figure()
        color = plotting.COLORS[name]
        _, _, (area,) = plotting.density_histogram(ax, [1.0, 2, 2, 3], color=color)
        assert mpl.colors.to_hex(area.get_edgecolor(), keep_alpha=True) == f"{color}ff"
        assert area.get_linewidth() >= 0.9
        *filling, opacity = area.get_facecolor()
        on_paper = opacity * np.array(filling) + (1 - opacity) * rgb(LIGHT)
        assert contrast(rgb(plotting.COLORS["theory"]), on_paper) >= 3

    @pytest.mark.parametrize("mass", [1.0, 0.8])
    @pytest.mark.parametrize(
        "law",
        [
            MarchenkoPastur(0.3),
            MarchenkoPastur(1.0),
            SingularValueLaw((20, 30), 2.0),
            TracyWidom(1),
        ],
    )
    def test_curve_has_the_mass_asked_for(self, law, mass):
        _, ax = plotting.figure()
        line = plotting.law_curve(ax, law, mass=mass, color="k", label="law", linestyle="--")
        x, y = line.get_data()
        assert np.all(np.isfinite(y))
        # At c = 1 the density of eigenvalues is infinite at 0, where the trapezia lose a little.
        assert np.trapezoid(y, x) == pytest.approx(mass, rel=0.02)

    @pytest.mark.parametrize("mass", [0, -1, 1.5])
    def test_mass_out_of_range(self, mass):
        _, ax = plotting.figure()
        with pytest.raises(ValueError, match=r"mass should lie in \(0, 1\]"):
            plotting.law_curve(ax, MarchenkoPastur(0.3), mass=mass)

    def test_threshold(self):
        _, ax = plotting.figure()
        line = plotting.threshold_line(ax, np.float64(2), color="red", label="t", linestyle=":")
        assert list(line.get_xdata()) == [2, 2]
        assert line.get_label() == "t"


class TestTable:
    def test_is_markdown(self):
        table = plotting.table([{"a": 1, "b": "x"}, {"a": 2, "b": "$y$"}])
        assert table._repr_markdown_() == "| a | b |\n| --- | --- |\n| 1 | x |\n| 2 | $y$ |"
        assert repr(table) == table._repr_markdown_()

    @pytest.mark.parametrize("text", ["|ρ| > .9 here", "$|v_i|$", r"$\|w\|^2$"])
    def test_a_bar_stays_in_its_cell(self, text):
        """Read by the parser that reads the book's pages."""
        written = plotting.table([{"a": text, "b": "seen"}])._repr_markdown_()
        tokens = MarkdownIt("commonmark").enable("table").parse(written)
        assert [token.content for token in tokens if token.type == "inline"] == [
            *("a", "b"),
            *(text, "seen"),
        ]

    @pytest.mark.parametrize(
        ("rows", "complaint"),
        [([], "at least one row"), ([{"a": 1}, {"b": 1}], "all have the keys")],
    )
    def test_bad_rows(self, rows, complaint):
        with pytest.raises(ValueError, match=complaint):
            plotting.table(rows)


def test_notebook_figures_are_vector_graphics_without_a_date(tmp_path):
    """In a kernel: one SVG, transparent, no traceback, whatever the defaults of the inline backend."""
    code = """
import matplotlib
matplotlib.use("module://matplotlib_inline.backend_inline")
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output
shell = InteractiveShell.instance()
with capture_output() as seen:
    result = shell.run_cell('''
from rmt_helpers import plotting
import matplotlib.pyplot as plt
plotting.use_style()
fig, ax = plotting.figure()
ax.plot([1, 2])
plt.show()
''')
assert result.success
(output,) = seen.outputs
assert set(output.data) == {"image/svg+xml", "text/plain"}, set(output.data)
assert "<dc:date>" not in output.data["image/svg+xml"]
assert "fill: #ffffff" not in output.data["image/svg+xml"]
"""
    run = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code],
        capture_output=True,
        text=True,
        env={"PATH": "", "HOME": str(tmp_path), "IPYTHONDIR": str(tmp_path)},
    )
    assert run.returncode == 0, run.stderr
