"""The command: what it prints and writes, what it holds in memory, how it ends."""

import csv
import json
import os
import re
import subprocess
import sys
import tracemalloc
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
import torch
from made_files import STRENGTHS, network, of_float32, spiked_matrix
from made_files import safetensors as by_hand

from rmt_helpers import Spectrum, average_alignment, bema, gaussian_broadening, noise_fit
from rmt_helpers.command.measure import DEFAULT, METHODS, Options, measure, plan
from rmt_helpers.command.page import as_html
from rmt_helpers.command.report import Report, as_text
from rmt_helpers.command.stored import stored_tensors
from rmt_helpers.nets.checkpoint import check_device, singular_values


def test_json_holds_what_the_functions_return(run, model):
    status, out, _ = run(model, "--json", "--alpha", 0.25, "--beta", 0.05)
    found = json.loads(out)
    assert status == 0
    assert [layer["layer"] for layer in found["layers"]] == ["conv.weight", "fc1.weight"]
    for layer in found["layers"]:
        W = network()[layer["layer"]].reshape(layer["matrix"])
        fits = bema(W, 0.25, 0.05), gaussian_broadening(W, 15)
        for got, fit in zip(layer["fits"], fits, strict=True):
            assert got["rank"] == fit.n_signal == len(STRENGTHS)
            assert got["sigma"] == fit.sigma
            assert got["threshold"] == fit.threshold
            assert got["average_alignment"] == average_alignment(fit)
            assert got["verdict"] == fit.verdict
    assert found["left_out"] == {"vectors": 2, "integers": 0, "small": ["fc2.weight"]}


def test_table_and_csv_show_the_same(run, model):
    _, table, _ = run(model)
    _, text, _ = run(model, "--csv")
    rows = list(csv.DictReader(text.splitlines()))
    assert [(row["layer"], row["method"]) for row in rows] == [
        (name, method) for name in ("conv.weight", "fc1.weight") for method in DEFAULT
    ]
    for row in rows:
        line = f"{float(row['sigma']):.4g}"
        assert line in table
        assert row["rank"] == str(len(STRENGTHS))
    assert "96×180 (96×20×3×3)" in table
    assert "Left out: 2 tensors with fewer than two axes, 1 matrix with a side below 16." in table


def test_one_method(run, model):
    _, out, _ = run(model, "--json", "--method", "bema")
    assert [f["method"] for layer in json.loads(out)["layers"] for f in layer["fits"]] == [
        "bema",
        "bema",
    ]


def loud_network():
    """The first layer's noise is equal everywhere; a third of the second one's columns is quiet."""
    weights = network()
    weights["fc1.weight"] *= np.where(np.arange(120) < 40, np.float32(0.2), np.float32(1))
    return weights


def test_auto_is_noise_fit_of_the_matrix(run, tmp_path):
    path, page = tmp_path / "m", tmp_path / "r.html"
    path.write_bytes(of_float32(loud_network()))
    status, out, _ = run(path, "--json", "--method", "auto", "--beta", 0.05, "--html", page)
    assert status == 0
    table = run(path, "--method", "auto", "--beta", 0.05)[1]
    rows = list(
        csv.DictReader(run(path, "--csv", "--method", "auto", "--beta", 0.05)[1].splitlines())
    )
    assert [row["trust"] for row in rows] == ["high", "fair"]
    for layer, row in zip(json.loads(out)["layers"], rows, strict=True):
        fit = noise_fit(loud_network()[layer["layer"]].reshape(layer["matrix"]), beta=0.05)
        (got,) = layer["fits"]
        assert (got["method"], got["rank"], got["trust"]) == ("auto", fit.n_signal, fit.trust)
        assert (got["sigma"], got["threshold"]) == (fit.sigma, fit.threshold)
        assert (got["ks"], got["verdict"]) == (fit.rest.ks, fit.rest.verdict)
        assert got["notes"] == [f"by {fit.method}", *(text.rstrip(".") for text in fit.findings)]
        assert row["trust"] == fit.trust
        assert row["notes"] == "; ".join(got["notes"])
        assert row["notes"] in table
        assert f"bulk {fit.rest.verdict}, trust {fit.trust}" in page.read_text("utf8")
    assert "Columns differ in variance" in rows[1]["notes"]
    assert "trust" in table.splitlines()[0]
    assert "trust: how far to rely on the rank." in table
    assert "auto with β = 0.05" in page.read_text("utf8")


def test_trust_is_shown_where_it_is_told_only(run, model, tmp_path):
    status, out, _ = run(model, "--html", tmp_path / "r.html")
    assert status == 0
    assert "trust" not in out
    assert "trust" not in (tmp_path / "r.html").read_text("utf8")
    assert {
        f["trust"] for layer in json.loads(run(model, "--json")[1])["layers"] for f in layer["fits"]
    } == {None}


def test_auto_judges_the_bulk_that_many_signals_leave(run, tmp_path):
    """The law of the matrix's own shape does not fit that bulk; see the tests of `noise_fit`."""
    np.save(tmp_path / "m.npy", spiked_matrix((128, 256), np.linspace(4.2, 1.5, 25), rng=6)[0])
    fits = json.loads(run(tmp_path / "m.npy", "--json")[1])["layers"][0]["fits"]
    assert {fit["verdict"] for fit in fits} <= {"shaped", "unfit"}
    _, out, _ = run(tmp_path / "m.npy", "--json", "--method", "auto")
    (fit,) = json.loads(out)["layers"][0]["fits"]
    assert (fit["rank"], fit["trust"], fit["verdict"]) == (25, "high", "noise")


def test_auto_names_what_it_cannot_measure(run, tmp_path):
    path = tmp_path / "m"
    path.write_bytes(of_float32(network() | {name: W for name, (W, _) in BAD.items()}))
    status, out, complaint = run(path, "--method", "auto")
    assert status == 1
    assert f"{len(BAD)} matrices could not be measured" in complaint
    for _, words in BAD.values():
        assert words in out


def test_fast_agrees(run, model):
    exact, fast = (
        [
            f["sigma"]
            for layer in json.loads(run(model, "--json", *o)[1])["layers"]
            for f in layer["fits"]
        ]
        for o in ([], ["--fast"])
    )
    np.testing.assert_allclose(fast, exact, rtol=1e-10)


def test_half_precision_finds_the_same(run, tmp_path):
    weights = {k: torch.from_numpy(v) for k, v in network().items()}
    ranks = []
    for kind in (torch.float32, torch.bfloat16, torch.float16):
        path = tmp_path / f"{kind}.pt"
        torch.save({name: value.to(kind) for name, value in weights.items()}, path)
        _, out, _ = run(path, "--json")
        ranks.append([f["rank"] for layer in json.loads(out)["layers"] for f in layer["fits"]])
    assert ranks == [[len(STRENGTHS)] * 4] * 3


BAD = {
    "nan": (np.full((20, 30), np.nan, np.float32), "finite"),
    "zero": (np.zeros((20, 30), np.float32), "zero"),
    "equal": (np.eye(20, dtype=np.float32), "equal"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_layer_is_reported_and_skipped(run, tmp_path, name):
    bad, words = BAD[name]
    path = tmp_path / "m"
    path.write_bytes(of_float32(network() | {name: bad}))
    status, out, complaint = run(path, "--json")
    assert status == 1
    assert "1 matrix could not be measured" in complaint
    layers = {layer["layer"]: layer for layer in json.loads(out)["layers"]}
    assert words in layers[name]["problem"]
    assert layers["fc1.weight"]["fits"][0]["rank"] == len(STRENGTHS)
    assert "skipped: " in run(path)[1]
    assert words in run(path, "--csv")[1]


def test_a_method_that_refuses_leaves_the_other(run, tmp_path):
    W = np.zeros(
        (40, 50), np.float32
    )  # 30 values of 40 are noise: BEMA fits them, broadening refuses
    W[:30, :45] = np.random.default_rng(0).standard_normal((30, 45))
    path = tmp_path / "m.npy"
    np.save(path, W)
    status, out, _ = run(path, "--json")
    fits = {fit["method"]: fit for fit in json.loads(out)["layers"][0]["fits"]}
    assert status == 1
    assert fits["bema"]["sigma"] > 0
    assert fits["broadening"]["sigma"] is None
    assert "equal" in fits["broadening"]["notes"][0]
    assert "10 of 40 rows are zero, 5 of 50 columns are zero" in fits["bema"]["notes"]
    assert "refused" in run(path)[1]


def test_notes(run, tmp_path):
    rng = np.random.default_rng(0)
    np.save(tmp_path / "m.npy", rng.standard_normal((80, 100)) + 1)
    _, out, _ = run(tmp_path / "m.npy", "--json", "--method", "bema")
    (fit,) = json.loads(out)["layers"][0]["fits"]
    assert fit["rank"] == 1
    assert "the mean of the entries alone stands above the threshold" in fit["notes"]
    np.save(tmp_path / "m.npy", rng.standard_normal((20, 100)))
    _, out, _ = run(tmp_path / "m.npy", "--json", "--method", "bema")
    assert "20 values are too few" in json.loads(out)["layers"][0]["fits"][0]["notes"][0]


def test_a_matrix_that_is_too_large_is_not_read(run, tmp_path):
    """One stored number, stretched to a huge matrix: a hostile file of 2 kB."""
    path = tmp_path / "m.pt"
    torch.save({"w": torch.ones(1).expand(1 << 20, 1 << 20)}, path)
    status, out, _ = run(path)
    assert status == 1
    assert "8192.0 GiB in float64, more than" in out


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (["--alpha", 0.5], 2, "--alpha"),
        (["--alpha", "nan"], 2, "--alpha"),
        (["--beta", 0], 2, "--beta"),
        (["--min-size", 4], 2, "--min-size"),
        (["--max-gib", 0], 2, "--max-gib"),
        (["--method", "guess"], 2, "--method"),
        (["--method", "auto", "--fast"], 2, "neither --fast nor --device"),
        (["--method", "auto", "--beta", 0.0009], 2, "--beta must be at least 0.001"),
        (["--json", "--csv"], 2, "not allowed"),
        (["--html", "/no/such/folder/r.html"], 2, "no folder"),
        (["--device", "gpu"], 2, "device"),
        (["--device", "cuda:99"], 2, "PyTorch sees"),
        (["--min-size", 500], 4, "no matrix to measure"),
    ],
)
def test_other_endings(run, model, arguments, status, words):
    found, out, complaint = run(model, *arguments)
    assert (found, out) == (status, "")
    assert words in complaint


@pytest.mark.parametrize("content", [None, b"", b"PK\x03\x04 no archive"])
def test_unreadable_files(run, tmp_path, content):
    path = tmp_path / "model"
    if content is not None:
        path.write_bytes(content)
    status, out, complaint = run(path)
    assert (status, out) == (3, "")
    assert complaint.startswith("rmt-thresholds: ")
    assert "Traceback" not in complaint


def test_a_hostile_name_does_no_harm(run, tmp_path):
    name = "<script>alert(1)</script>\x1b[31m[bold]"
    W = network()["fc1.weight"]
    path, page = tmp_path / "m", tmp_path / "r.html"
    path.write_bytes(of_float32({name: W}))
    _, out, _ = run(path, "--html", page)
    assert "\x1b" not in out
    assert "[bold]" in out
    assert "<script" not in page.read_text("utf8")
    assert "&lt;script&gt;" in page.read_text("utf8")


class Page(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.tags, self.ids, self.links, self.labels = [], set(), set(), []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        found = dict(attrs)
        self.tags.append(tag)
        self.ids.add(found.get("id"))
        if tag == "a":
            self.links.add(found["href"].removeprefix("#"))
        if found.get("role") == "img":
            self.labels.append(found["aria-label"])


def test_the_page_stands_alone(run, tmp_path):
    path, out = tmp_path / "m", tmp_path / "r.html"
    path.write_bytes(of_float32(network() | {"nan": BAD["nan"][0]}))
    assert run(path, "--html", out)[0] == 1
    text = out.read_text("utf8")
    page = Page(text)
    assert not {"script", "link", "img", "iframe"} & set(page.tags)
    assert "http" not in text.replace("http-equiv", "")
    assert page.links == {"matrix-0", "matrix-1"} <= page.ids
    assert len(page.labels) == 2
    assert "3 of 96 above" in page.labels[0]
    assert "prefers-color-scheme: dark" in text
    drawn = [part.partition('"')[0] for part in text.split(' d="')[1:]]
    assert drawn
    assert not [path for path in drawn if "nan" in path or "inf" in path]
    assert text.count('class="law m0"') == text.count('class="cut m0"') + 2  # two keys


def test_far_values_do_not_squeeze_the_picture(tmp_path):
    rng = np.random.default_rng(0)
    W = rng.standard_normal((60, 90))
    W[0, 0] = 1e4
    np.save(tmp_path / "m.npy", W)
    options = Options()
    planned = plan(stored_tensors(tmp_path / "m.npy"), options)
    report = Report("m", options, planned, tuple(measure(planned.matrices, options)))
    assert "1 beyond, up to 1e+04" in as_html(report)


def test_a_new_method_needs_one_entry(monkeypatch, model):
    monkeypatch.setitem(METHODS, "third", lambda W, s, options: replace(bema(s), method="x"))
    options = Options(methods=tuple(METHODS))
    planned = plan(stored_tensors(model), options)
    report = Report("m", options, planned, tuple(measure(planned.matrices, options)))
    assert "third" in as_text(report)
    assert "third" in as_html(report)


WRITERS = {
    "safetensors": lambda path, weights: path.write_bytes(of_float32(weights)),
    "npz": lambda path, weights: np.savez(path, **weights),
    "compressed npz": lambda path, weights: np.savez_compressed(path, **weights),
    "pt": lambda path, weights: torch.save(as_tensors(weights), path),
    "old pt": lambda path, weights: torch.save(
        as_tensors(weights), path, _use_new_zipfile_serialization=False
    ),
}


def as_tensors(weights):
    return {name: torch.from_numpy(value) for name, value in weights.items()}


def many_matrices(kind, folder, count, columns):
    """A file of matrices of 64 rows."""
    rng = np.random.default_rng(0)
    path = folder / f"{count}.npz"
    weights = {f"{k}": rng.standard_normal((64, columns), np.float32) for k in range(count)}
    WRITERS[kind](path, weights)
    return path


@pytest.mark.parametrize(
    ("kind", "method"),
    [
        ("safetensors", "bema"),
        ("safetensors", "auto"),
        ("npz", "bema"),
        ("compressed npz", "bema"),
        ("pt", "bema"),
    ],
)
def test_one_matrix_in_memory_at_a_time(tmp_path, kind, method):
    """The peak of what numpy and Python hold does not grow with the number of matrices. (Torch's own
    memory is not seen here; see the next test.)"""
    options, peaks = Options(methods=(method,), fast=method == "bema"), []
    for count in (2, 12):
        path = many_matrices(kind, tmp_path, count, 2048)
        tracemalloc.start()
        layers = list(measure(plan(stored_tensors(path), options).matrices, options))
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        assert len(layers) == count
    assert peaks[1] < 1.1 * peaks[0]


MEMORY = """
import sys
from pathlib import Path
from rmt_helpers.command.measure import Options, measure, plan
from rmt_helpers.command.stored import stored_tensors

def own():
    # MiB of pages of this process alone: those of a mapped file belong to the file, and the system
    # takes them back when it needs room.
    (line,) = [l for l in Path("/proc/self/status").read_text().splitlines() if l.startswith("RssAnon")]
    return int(line.split()[1]) / 1024

options = Options(methods=("bema",), fast=True)
list(measure(plan(stored_tensors(Path(sys.argv[1])), options).matrices, options))  # libraries, pools
before = own()
layers = measure(plan(stored_tensors(Path(sys.argv[2])), options).matrices, options)
print(max(own() - before for _ in layers))
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="Linux alone tells this")
@pytest.mark.parametrize(("kind", "whole"), [("pt", False), ("old pt", True)])
def test_what_a_process_holds(tmp_path, kind, whole):
    """48 matrices of 1 MiB after 2: a process that kept them would hold 48 MiB more, or the half. Files from
    before PyTorch 1.6 are known to be read whole."""
    few, many = (many_matrices(kind, tmp_path, count, 4096) for count in (2, 48))
    command = [sys.executable, "-c", MEMORY, str(few), str(many)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    assert (float(done.stdout) > 24) == whole


BLOCKED = (
    "import sys\n"
    "for name in {blocked!r}: sys.modules[name] = None\n"
    "from rmt_helpers.command import main\n"
    "status = main(sys.argv[1:])\n"
    "print(*sorted({{'torch', 'matplotlib', 'pandas'}} & {{k for k, v in sys.modules.items() if v}}))\n"
    "sys.exit(status)\n"
)


def fresh(*arguments, blocked=()):
    program = BLOCKED.format(blocked=list(blocked))
    command = [sys.executable, "-c", program, *map(str, arguments)]
    return subprocess.run(command, check=False, capture_output=True, text=True)


def test_numpy_and_scipy_are_enough(model, tmp_path):
    done = fresh(model, "--html", tmp_path / "r.html", blocked=["torch", "rich", "safetensors"])
    assert done.returncode == 0, done.stderr
    assert "fc1.weight" in done.stdout
    assert done.stdout.endswith("\n\n")  # nothing heavy was loaded


@pytest.mark.parametrize("device", [[], ["--device", "cuda"]])
def test_without_torch_its_files_and_devices_get_a_clear_error(tmp_path, device, model):
    path = tmp_path / "m.pt"
    torch.save({"w": torch.ones(20, 30)}, path)
    done = fresh(model if device else path, *device, blocked=["torch"])
    assert done.returncode == 2
    assert "needs PyTorch" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_reader_that_leaves_early(model):
    program = "import sys; from rmt_helpers.command import main; sys.exit(main(sys.argv[1:]))"
    read, write = os.pipe()
    os.close(read)
    with os.fdopen(write, "w") as closed:
        command = [sys.executable, "-c", program, str(model)]
        done = subprocess.run(
            command, stdout=closed, stderr=subprocess.PIPE, text=True, check=False
        )
    assert (done.returncode, done.stderr) == (141, "")


def test_the_table_in_a_terminal(run, model, monkeypatch):
    pytest.importorskip("rich")
    monkeypatch.setenv("COLUMNS", "110")
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    _, out, _ = run(model)
    assert "─" in out  # rich draws a rule, plain text has none
    sigma = f"{bema(network()['fc1.weight']).sigma:.4g}"
    assert sigma in out


def test_a_narrow_terminal_loses_no_column(run, tmp_path, monkeypatch):
    pytest.importorskip("rich")
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    (tmp_path / "m").write_bytes(of_float32(loud_network()))
    for width in ("40", "80", "200"):
        monkeypatch.setenv("COLUMNS", width)
        _, out, _ = run(tmp_path / "m", "--method", "auto")
        words = re.sub(r"\x1b\[[0-9;]*m", "", out).split()
        for word in ("notes", "trust", "high", "fair", "noise", "parallel"):
            assert word in words, (width, word)


@pytest.mark.parametrize("method", ["svd", "gram"])
def test_values_by_torch_are_those_by_numpy(method):
    """What a GPU would do, done on the processor."""
    W = network()["fc1.weight"] * 1e-30
    ours = Spectrum.of(W)
    theirs = singular_values(W, "cpu", method)
    assert theirs.shape == ours.shape
    np.testing.assert_allclose(theirs.values, ours.values, rtol=1e-9)
    with pytest.raises(ValueError, match="finite"):
        singular_values(np.array([[1.0, np.nan]]), "cpu", method)


@pytest.mark.parametrize("error", [torch.OutOfMemoryError, torch.linalg.LinAlgError])
def test_what_a_device_cannot_do_is_said_of_the_layer(monkeypatch, error):
    """Torch has errors of its own for what the command knows from numpy."""

    def refuse(_):
        raise error("no")

    monkeypatch.setattr(torch.linalg, "svdvals", refuse)
    with pytest.raises((MemoryError, np.linalg.LinAlgError)):
        singular_values(np.ones((4, 5)), "cpu")


@pytest.mark.skipif(not torch.cuda.is_available(), reason="PyTorch sees no CUDA device here")
@pytest.mark.parametrize("fast", [[], ["--fast"]])
def test_a_gpu_finds_the_same(run, model, fast):
    here, there = (
        [
            fit
            for layer in json.loads(run(model, "--json", *fast, *device)[1])["layers"]
            for fit in layer["fits"]
        ]
        for device in ([], ["--device", "cuda"])
    )
    assert len(here) == 4
    for a, b in zip(here, there, strict=True):
        assert (a["rank"], a["verdict"]) == (b["rank"], b["verdict"])
        assert b["sigma"] == pytest.approx(a["sigma"], rel=1e-9)
        assert b["threshold"] == pytest.approx(a["threshold"], rel=1e-9)


@pytest.mark.parametrize("device", ["gpu", "cuda:99", "meta", "cpu:0"])
def test_devices_that_are_not_there(device):
    with pytest.raises(ValueError, match="device"):
        check_device(device)


@pytest.fixture(scope="module")
def resnet18(tmp_path_factory):
    """All of torchvision's ResNet-18, as it is before any training."""
    from torchvision import models

    path = tmp_path_factory.mktemp("resnet") / "resnet18.pt"
    with torch.random.fork_rng():
        torch.manual_seed(0)
        torch.save(models.resnet18().state_dict(), path)
    return path


def test_an_untrained_network_has_no_signal(run, resnet18):
    """With the settings as they come, BEMA's β is 0.1: of the 21 matrices, all of independent entries, each has
    a value above its threshold with probability 0.1, so that nine or more alarms (binomial) would come up in
    1 of 10,000 seeds. Broadening has no level; in the experiment "estimators" up to 19 % of such matrices
    showed a value, and twelve or more alarms at that rate would come up as seldom. An alarm is one value,
    seldom two."""
    status, out, _ = run(resnet18, "--json")
    layers = json.loads(out)["layers"]
    assert status == 0
    assert len(layers) == 21
    for k, method in enumerate(DEFAULT):
        fits = [layer["fits"][k] for layer in layers]
        assert {fit["method"] for fit in fits} == {method}
        alarms = sum(fit["rank"] > 0 for fit in fits)
        assert alarms <= {"bema": 8, "broadening": 11}[method]
        assert sum(fit["rank"] for fit in fits) <= alarms + 2
        assert {fit["verdict"] for fit in fits} <= {"noise", "close"}


def test_an_untrained_network_has_no_signal_by_a_strict_test(run, resnet18):
    """At β = 0.001 more than one alarm in 21 matrices would come up in 2 of 10,000 seeds."""
    _, out, _ = run(resnet18, "--json", "--method", "bema", "--beta", 0.001, "--fast")
    layers = json.loads(out)["layers"]
    assert len(layers) == 21
    assert sum(layer["fits"][0]["rank"] for layer in layers) <= 1


def test_a_trained_encoder_that_nobody_here_prepared(run, tmp_path):
    """The published file of a sentence encoder, half of whose tensors are matrices, one with 30,522 rows."""
    from rmt_helpers.nets.data import DataUnavailable
    from rmt_helpers.nets.encoder import weights_file

    path = tmp_path / "model.safetensors"
    try:
        path.write_bytes(weights_file())
    except DataUnavailable as error:
        pytest.skip(str(error))
    status, out, _ = run(path, "--json")
    found = json.loads(out)
    assert status == 0
    assert found["left_out"]["integers"] == 1
    by_name = {layer["layer"]: layer for layer in found["layers"]}
    inside = [layer for name, layer in by_name.items() if name.startswith("encoder.")]
    assert len(inside) == 36
    assert by_name["embeddings.word_embeddings.weight"]["matrix"] == [30522, 384]
    # The one matrix that the encoder, which takes the mean over words, never uses.
    for fit in by_name["pooler.dense.weight"]["fits"]:
        assert (fit["rank"], fit["verdict"]) == (0, "noise")
    for layer in inside:
        assert [fit["method"] for fit in layer["fits"]] == list(DEFAULT)
        # Trained: signal in each of them, and a bulk that is not plain noise.
        assert all(fit["rank"] >= 5 and fit["verdict"] != "noise" for fit in layer["fits"])
    import safetensors.numpy

    name = "encoder.layer.0.output.dense.weight"
    fit = bema(safetensors.numpy.load_file(path)[name])
    assert by_name[name]["fits"][0]["threshold"] == fit.threshold


def test_integers_are_left_out(run, tmp_path):
    path = tmp_path / "m"
    path.write_bytes(by_hand({"ids": ("I64", (20, 30), bytes(4800))}))
    status, _, complaint = run(path)
    assert status == 4
    assert "1 tensor of integers" in complaint
