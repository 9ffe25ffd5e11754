"""The pictures that move compute what the package computes, draw at every setting, and load where they are shown."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import explorers
import numpy as np
import pytest
from book_rules import Page, labels_defined
from scipy import stats

from rmt_helpers import (
    MarchenkoPastur,
    NoiseFit,
    SingularValueLaw,
    Spectrum,
    average_alignment,
    cosines,
    signal_strength,
    spiked_singular_value,
)
from rmt_helpers.plotting import COLORS
from rmt_helpers.spikes import transition

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "book" / "explorers"
NAMES = sorted(path.stem for path in FOLDER.glob("*.html"))
PAGE = Page.read(ROOT / "book" / "explore.md", ROOT)
SHEET = (FOLDER / "explorers.css").read_text("utf8")


def node(script, data=None):
    """What a script sees of the explorers' functions under Node: it sets `answer`, arrays of numbers allowed."""
    program = shutil.which("node") or str(ROOT / ".venv" / "node" / "node")
    loaded = "".join(
        f"globalThis.{name} = require({json.dumps(str(FOLDER / name))});\n"
        for name in ("numerics", "drawing")
    )
    source = (
        f"{loaded}const makers = require({json.dumps(str(FOLDER / 'explorers'))});\n"
        "const data = JSON.parse(require('fs').readFileSync(0, 'utf8'));\n"
        f"let answer;\n{script}\n"
        "const plain = (key, x) => ArrayBuffer.isView(x) ? Array.from(x) : x;\n"
        "process.stdout.write(JSON.stringify(answer, plain));"
    )
    run = subprocess.run(
        [program, "-e", source], input=json.dumps(data), capture_output=True, text=True, timeout=120
    )
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout)


class TestFormulas:
    @pytest.mark.parametrize("c", [0.1, 0.25, 0.9, 1.0])
    @pytest.mark.parametrize("sigma", [0.5, 1.25])
    def test_law(self, c, sigma):
        p, n = round(900 * c), 900
        values = SingularValueLaw((p, n), sigma / np.sqrt(n))
        eigenvalues = MarchenkoPastur(c, sigma)
        low, high = values.support()
        y = np.concatenate([[low / 2], np.linspace(low, high, 101), [high + 0.1]])
        found = node(
            "const [y, c, sigma] = data, f = (g) => y.map((x) => g(x, c, sigma));"
            "answer = [numerics.edges(c, sigma), f(numerics.valuePdf), f(numerics.cdf),"
            " y.map((x) => numerics.eigenvaluePdf(x * x, c, sigma))];",
            [y.tolist(), c, sigma],
        )
        np.testing.assert_allclose(found[0], [low, high], rtol=1e-13)
        # A density has the square root's slope at an edge, so a rounded edge costs half of the digits there.
        np.testing.assert_allclose(found[1], values.pdf(y), rtol=1e-9, atol=1e-6)
        np.testing.assert_allclose(found[1][2:-2], values.pdf(y)[2:-2], rtol=1e-9)
        np.testing.assert_allclose(found[2], values.cdf(y), rtol=0, atol=1e-12)
        np.testing.assert_allclose(found[3][2:-2], eigenvalues.pdf(y**2)[2:-2], rtol=1e-9)
        assert (found[3][-1], found[1][-1], found[1][0]) == (0, 0, values.pdf(y[0]))

    def test_eigenvalue_density_is_infinite_at_zero_for_a_square_matrix(self):
        assert node("answer = numerics.eigenvaluePdf(0, 1, 1) === Infinity")
        assert MarchenkoPastur(1.0).pdf(0.0) == np.inf

    def test_distance(self):
        spectrum = Spectrum.of(np.random.default_rng(0).standard_normal((40, 90)))
        values = spectrum.values[::-1] / np.sqrt(90)
        fit = NoiseFit("none", spectrum, sigma=1.1, threshold=2 * spectrum.values[0])
        found = node("answer = numerics.distance(data, 40 / 90, 1.1)", values.tolist())
        assert found == pytest.approx(fit.ks, abs=1e-12)

    @pytest.mark.parametrize("c", [0.05, 0.5, 1.0])
    def test_spikes(self, c):
        theta = np.concatenate(
            [np.linspace(0, 3, 61), transition(c) * (1 + np.array([-1e-9, 0, 1e-9]))]
        )
        y = np.concatenate([spiked_singular_value(theta, c), [0.0, 1 + np.sqrt(c)]])
        found = node(
            "const [theta, y, c] = data;"
            "answer = [numerics.transition(c), theta.map((t) => numerics.spikedValue(t, c)),"
            " y.map((x) => numerics.signalStrength(x, c)), theta.map((t) => numerics.cosines(t, c))]",
            [theta.tolist(), y.tolist(), c],
        )
        np.testing.assert_allclose(found[0], transition(c), rtol=1e-14)
        np.testing.assert_allclose(found[1], spiked_singular_value(theta, c), rtol=1e-12)
        np.testing.assert_allclose(found[2], signal_strength(y, c), rtol=1e-9, atol=1e-7)
        np.testing.assert_allclose(found[3], np.transpose(cosines(theta, c)), rtol=1e-9, atol=1e-7)

    def test_score(self):
        rng = np.random.default_rng(1)
        spectrum = Spectrum(np.sort(rng.uniform(0.1, 4, 60))[::-1], (80, 60))
        fit = NoiseFit("by hand", spectrum, sigma=0.1, threshold=1.7)
        found = node(
            "answer = numerics.averageAlignments(data, 60 / 80, 0.1 * Math.sqrt(80))",
            spectrum.values.tolist(),
        )
        expected = [average_alignment(fit, n_keep=s) for s in range(1, 61)]
        np.testing.assert_allclose(found, expected, rtol=1e-12)


class TestSimulation:
    @pytest.mark.parametrize("p", [1, 2, 3, 60])
    def test_eigenvalues_and_top_vector(self, p):
        x = np.random.default_rng(p).standard_normal((p, 2 * p))
        a = x @ x.T / (2 * p)
        gram, values, top = node(
            f"const a = numerics.gram(Float64Array.from(data), {p}, {2 * p});"
            f"const l = numerics.eigenvalues(a, {p}); answer = [a, l, numerics.topVector(a, {p}, l[{p - 1}])]",
            x.ravel().tolist(),
        )
        exact, vectors = np.linalg.eigh(a)
        np.testing.assert_allclose(np.reshape(gram, (p, p)), a, rtol=0, atol=1e-12)
        np.testing.assert_allclose(values, exact, rtol=0, atol=1e-12)
        assert abs(vectors[:, -1] @ top) == pytest.approx(1, abs=1e-9)

    @pytest.mark.parametrize(
        "a", [np.zeros((4, 4)), np.eye(5), np.diag([3.0, 1.0, 2.0]), np.ones((6, 6))]
    )
    def test_eigenvalues_of_special_matrices(self, a):
        found = node(f"answer = numerics.eigenvalues(data, {len(a)})", a.ravel().tolist())
        np.testing.assert_allclose(found, np.linalg.eigvalsh(a), rtol=0, atol=1e-13)

    @pytest.mark.parametrize(
        ("name", "law"),
        [
            ("normal", stats.norm()),
            ("uniform", stats.uniform(-np.sqrt(3), 2 * np.sqrt(3))),
            ("student5", stats.t(5, scale=np.sqrt(3 / 5))),
            ("student3", stats.t(3, scale=np.sqrt(1 / 3))),
        ],
    )
    def test_entries_follow_their_law(self, name, law):
        # A true generator fails with probability 0.001; the seed is fixed.
        found = node(f"answer = numerics.draw('{name}', 20000, numerics.generator(5))")
        assert law.var() == pytest.approx(1)
        assert stats.kstest(found, law.cdf).pvalue > 0.001

    def test_discrete_entries(self):
        signs = np.array(node("answer = numerics.draw('signs', 20000, numerics.generator(5))"))
        assert set(signs) == {-1, 1}
        assert abs(signs.mean()) < 3.3 / np.sqrt(20000)  # false-alarm rate 0.001
        sparse = np.array(node("answer = numerics.draw('sparse', 20000, numerics.generator(5))"))
        assert abs(np.mean(sparse != 0) - 0.1) < 3.3 * np.sqrt(0.09 / 20000)
        assert stats.kstest(sparse[sparse != 0], stats.norm(scale=np.sqrt(10)).cdf).pvalue > 0.001

    def test_seed_decides(self):
        draws = node("answer = [3, 3, 4].map((seed) => numerics.noiseValues('normal', 5, 9, seed))")
        assert draws[0] == draws[1] != draws[2]

    @pytest.mark.parametrize("theta", [0.0, 0.6, 2.0])
    def test_spiked_model(self, theta):
        p, n = 30, 70
        found, u, v, noise = node(
            f"const random = numerics.generator(9), u = numerics.direction({p}, random),"
            f" v = numerics.direction({n}, random), noise = numerics.draw('normal', {p * n}, random);"
            f"answer = [numerics.spikedModel({p}, {n}, 9)({theta}), u, v, noise]"
        )
        W = theta * np.sqrt(n) * np.outer(u, v) + np.reshape(noise, (p, n))
        left, values, right = np.linalg.svd(W, full_matrices=False)
        np.testing.assert_allclose(found["values"], values[::-1] / np.sqrt(n), rtol=1e-10)
        assert found["short"] == pytest.approx(abs(left[:, 0] @ u), abs=1e-8)
        assert found["long"] == pytest.approx(abs(right[0] @ v), abs=1e-8)


class TestDrawing:
    SWEEP = """
    const broken = [], texts = new Set();
    for (const width of [290, 700]) for (const state of states) {
      const { svg, text } = explorer.draw(state, width, 420);
      if (/NaN|undefined|Infinity/.test(svg + text)) broken.push(state);
      texts.add(text);
    }
    answer = [broken, states.length, texts.size];
    """

    def test_law(self):
        broken, states, texts = node(
            "const explorer = makers['marchenko-pastur'](), states = [];"
            "for (const entries of Object.keys(numerics.entries)) for (const scale of ['nu', 'lambda'])"
            " for (const c of [0.1, 0.5, 1]) for (const size of [20, 50])"
            " states.push({ c, sigma: 1, entries, size, scale, seed: 1 });" + self.SWEEP
        )
        assert broken == []
        assert texts == states  # every control changes what is said

    def test_spike(self):
        broken, states, texts = node(
            "const explorer = makers.spike(), states = [];"
            "for (const shape of ['20x20', '20x80']) for (const seed of [1, 2])"
            " for (let k = 0; k <= 30; k++) states.push({ theta: k / 10, shape, seed });"
            + self.SWEEP
        )
        assert broken == []
        assert texts == states

    def test_figure_2(self):
        layer = {
            "label": "FC1 (8 × 9)",
            "p": 8,
            "n": 9,
            "sigma": 0.2,
            "values": [3, 2.5, 2, 0.9, 0.8, 0.7, 0.6, 0.5],
            "ranks": [1, 2, 3, 4, 8],
            "accuracy": [0.3, 0.8, 0.9, 0.92, 0.91],
            "thresholds": [{"name": "BEMA", "key": "bema", "kept": 3, "threshold": 1.2}],
        }
        networks = [{"label": "X", "full": 0.91, "layers": {"fc1": layer}}]
        broken, states, texts = node(
            "const explorer = makers['figure-2'](data), states = [];"
            "for (let kept = 0; kept < 5; kept++) states.push({ network: 0, layer: 'fc1', kept });"
            + self.SWEEP,
            {"networks": networks},
        )
        assert broken == []
        assert texts == states

    def test_sentence_about_figure_2(self):
        layer = {"label": "L", "p": 2, "n": 2, "sigma": 1, "values": [2, 1], "ranks": [1, 2]}
        layer |= {"accuracy": [0.5, 0.75], "thresholds": []}
        told = node(
            "const explorer = makers['figure-2'](data);"
            "answer = [0, 1].map((kept) => explorer.draw({ network: 0, layer: 'l', kept }, 500, 400).text)",
            {"networks": [{"label": "X", "full": 0.75, "layers": {"l": layer}}]},
        )
        assert "1 of 2 values kept" in told[0]
        assert "25.00 points below" in told[0]
        assert "as that of the whole network" in told[1]


class TestMarkup:
    def test_page_shows_each_with_its_still(self):
        shown = re.findall(
            r"^```\{explorer\} (\S+)\n:aria-label: (.+)\n:still: (\S+)\n```$", PAGE.text, re.M
        )
        assert sorted(name for name, _, _ in shown) == NAMES
        assert {still for _, _, still in shown} <= set(labels_defined(PAGE))

    @pytest.mark.parametrize("name", NAMES)
    def test_controls_are_named_and_the_picture_described(self, name):
        text = (FOLDER / f"{name}.html").read_text("utf8")
        controls = re.findall(r'<(?:input|select) id="([^"]+)" name="([^"]+)"', text)
        assert len(controls) == len(re.findall(r"<(?:input|select)\b", text)) > 0
        for identifier, _ in controls:
            assert re.search(rf'<label for="{identifier}"[^>]*><span>\S', text)
        for slider in re.findall(r'<input id="([^"]+)"', text):
            assert f'<output for="{slider}"' in text
        named = re.search(r'<svg [^>]*role="img" aria-labelledby="(\S+) (\S+)">', text)
        assert named
        title = re.search(rf'<title id="{named[1]}">(.+?)</title>', text, re.S)
        description = re.search(rf'<desc id="{named[2]}">(.+?)</desc>', text, re.S)
        assert title
        assert description
        assert len(description[1].split()) >= 8

    def test_no_identifier_is_used_twice(self):
        texts = [(FOLDER / f"{name}.html").read_text("utf8") for name in NAMES]
        identifiers = re.findall(r'\bid="([^"]+)"', "\n".join(texts))
        assert len(identifiers) == len(set(identifiers))

    def test_colours_are_the_books(self):
        light, dark = (
            dict(re.findall(r"^  --([a-z]+): (#[0-9a-f]{6});", block, re.M))
            for block in re.findall(r"^(?:html\S+ )?\.explorer \{\n(.*?)^\}", SHEET, re.M | re.S)
        )
        assert light == {name: COLORS[name] for name in light}
        assert light.keys() == dark.keys()

    def test_light_enough(self):
        assert sum((FOLDER / name).stat().st_size for name in explorers.SCRIPTS) < 40_000


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("site")
    shutil.copytree(FOLDER, folder / "book" / "explorers")
    (folder / "index.rst").write_text("A\n=\n\n.. toctree::\n\n   with\n   broken\n")
    (folder / "with.rst").write_text(
        "B\n=\n\n.. explorer:: spike\n   :aria-label: Move\n   :still: fig-x\n"
    )
    (folder / "broken.rst").write_text(
        "C\n=\n\n.. explorer:: nothing\n   :aria-label: a\n   :still: b\n\n.. explorer:: spike\n   :aria-label: a\n"
    )
    run = subprocess.run(
        [sys.executable, "-m", "sphinx", "-q", "-C", "-D", "extensions=explorers", ".", "out"],
        cwd=folder,
        env={"PYTHONPATH": str(ROOT / "book/_ext")},
        capture_output=True,
        text=True,
    )
    return folder / "out", run.stderr


class TestExtension:
    def test_scripts_load_where_they_are_needed(self, site):
        out, _ = site
        for name in (*explorers.SCRIPTS, explorers.SHEET):
            assert (out / "_static" / "explorers" / name).is_file()
            link = re.compile(rf'_static/explorers/{name}\?v=\w+"')
            assert link.search((out / "with.html").read_text("utf8"))
            assert not link.search((out / "index.html").read_text("utf8"))

    def test_controls_are_on_the_page(self, site):
        page = (site[0] / "with.html").read_text("utf8")
        assert 'aria-label="Move" data-explorer="spike" data-still="fig-x"' in page
        assert (FOLDER / "spike.html").read_text("utf8") in page

    @pytest.mark.parametrize("complaint", ["no nothing.html", "no :still: is given"])
    def test_a_wrong_directive_is_a_warning(self, site, complaint):
        assert complaint in site[1]
