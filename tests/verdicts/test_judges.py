"""A judge that cannot say no proves nothing: each is shown results in which its claim is false, or true."""

from types import SimpleNamespace

import numpy as np
import pytest

from rmt_helpers.verdicts import cited, elsewhere, paper, review, shrinking, tables


@pytest.fixture
def false_measures(monkeypatch):
    """Let `elsewhere` read other values for some measures, by name."""
    honest = elsewhere.measured

    def put(**values):
        def measured(field, measure, **configuration):
            known = honest(field, measure, **configuration)
            change = values.get(measure.replace(", ", "_").replace(" ", "_"))
            return known if change is None else change(known)

        monkeypatch.setattr(elsewhere, "measured", measured)

    return put


@pytest.fixture
def false_table(monkeypatch):
    """Let a module read another table for one experiment."""

    def put(module, name, change):
        honest = tables.stored
        results = honest(name)
        other = SimpleNamespace(
            table=change(results.table.copy()), runs=results.runs, arrays=results.arrays
        )
        monkeypatch.setattr(module, "stored", lambda n: other if n == name else honest(n))

    return put


def test_finance(false_measures):
    assert elsewhere.lower_risk().verdict == "holds"
    false_measures(realised_clipped=lambda x: 1.4 * x, common=lambda x: x - 3)
    assert elsewhere.lower_risk().verdict == "fails"
    assert elsewhere.deviating().verdict == "fails"


def test_speech(false_measures):
    false_measures(ks_frames=lambda x: 3 * x, Hankel_truncated=lambda x: x - 20)
    assert elsewhere.noise_band().verdict == "fails"
    assert elsewhere.cleaner_speech().verdict == "holds with limits"
    false_measures(Hankel_truncated=lambda x: x - 20, frames_truncated=lambda x: x - 20)
    assert elsewhere.cleaner_speech().verdict == "fails"


def test_cells(false_measures):
    false_measures(
        n_signal_usual=np.zeros_like,
        n_signal_permuted=np.zeros_like,
        localised_usual=np.zeros_like,
        n_signal_biwhitened=lambda x: x + 1,
    )
    assert elsewhere.only_biology_is_left().verdict == "holds"
    assert elsewhere.sparse_artefacts().verdict == "undecided"
    assert elsewhere.rank_of_counts().verdict == "fails"


def test_parts(false_measures):
    false_measures(n_signal_plain=lambda x: np.where(x == 5, 6, x))
    assert elsewhere.number_of_parts().verdict == "fails"


@pytest.mark.parametrize(
    ("second", "halves", "doubled", "verdict"),
    [
        (100, 0.9, 0.19, "holds"),
        (100, 0.9, 0.1, "holds with limits"),
        (100, 0.5, 0.19, "holds with limits"),
        (100, 0.5, 0.1, "fails"),
        (150, 0.9, 0.19, "fails"),
        (100, 0.8, 0.1, "undecided"),
    ],
)
def test_parts_of_digits(monkeypatch, second, halves, doubled, verdict):
    wobble = 1e-3 * np.arange(-2, 3)
    values = {"halves": halves, "biwhitened, first half": 100, "biwhitened, second half": second}

    def digits(column, chosen="biwhitened"):
        missed = doubled if chosen == "twice biwhitened" else 0.2
        return wobble + (missed if column == "missed" else values[column])

    monkeypatch.setattr(elsewhere, "digits", digits)
    assert elsewhere.parts_of_digits().verdict == verdict


@pytest.mark.parametrize(
    ("effects", "verdict"),
    [
        ((-5, -5, -5, -5), "holds"),
        ((-5, -5, -5, 5), "holds with limits"),
        ((-5, 5, 5, 5), "fails"),
        ((0, 0, 0, 0), "undecided"),
    ],
)
def test_random_share(monkeypatch, effects, verdict):
    cases = iter([*effects, 0])
    monkeypatch.setattr(shrinking, "less_at_the_end", lambda *_: next(cases) + np.arange(-2.0, 3.0))
    assert shrinking.random_share_shrinks().verdict == verdict


@pytest.mark.parametrize(("shift", "verdict"), [(0.5, "fails"), (0.0, "holds")])
def test_core(monkeypatch, shift, verdict):
    other = tables.truth().assign(error=shift)
    other["error"] += 1e-3 * other["seed"]
    monkeypatch.setattr(paper, "truth", lambda: other)
    assert paper.core().verdict == verdict


@pytest.mark.parametrize(
    ("own_ks", "own_excess", "verdict"), [(0.2, 0.0, "fails"), (0.0, 9, "fails")]
)
def test_premise(monkeypatch, own_ks, own_excess, verdict):
    other = tables.settled_bulk().assign(own_ks=own_ks, own_excess=own_excess)
    monkeypatch.setattr(paper, "settled_bulk", lambda: other)
    assert paper.premise().verdict == verdict


def test_figures(monkeypatch, false_table):
    false_table(paper, "bulk", lambda table: table.assign(sigma=1.1 * table["sigma"]))
    assert paper.figure_1().verdict == "fails"
    monkeypatch.setattr(paper, "layers", lambda: tables.layers().assign(lost=3.0))
    assert paper.figure_2().verdict == "fails"
    false_table(paper, "batches", lambda table: table.assign(n_signal=table["seed"]))
    assert paper.figure_3().verdict == "fails"


def test_consequences(monkeypatch):
    even = tables.layers().copy()
    even["agreement"] = np.random.default_rng(0).permutation(even["agreement"])
    monkeypatch.setattr(paper, "layers", lambda: even)
    assert paper.passing_keeps_function().verdict == "fails"
    better = tables.truth().copy()
    better["true"] += np.where(better["method"] == "broadening", 0.1, 0)
    monkeypatch.setattr(paper, "truth", lambda: better)
    assert paper.better_estimator().verdict == "holds"


def test_review(monkeypatch, false_table):
    monkeypatch.setattr(review, "settled_bulk", lambda: tables.settled_bulk().assign(own=3.0))
    assert review.bulk_follows().verdict == "fails"
    monkeypatch.setattr(review, "layers", lambda: tables.layers().assign(ks=0.01, n_signal=5))
    assert review.overlays().verdict == "holds"
    assert review.intervals().verdict == "fails"
    monkeypatch.setattr(review, "truth", lambda: tables.truth().assign(error=0.0, ks=0.01))
    false_table(review, "failures", lambda table: table.assign(ave_w=table["true_ave_w"], ks=0.01))
    assert review.falsifier().verdict == "holds"


def test_spacings_of_independent_points(monkeypatch):
    assert cited.spacings().verdict == "holds"
    monkeypatch.setattr(cited, "encoder_ratios", lambda: np.full(36, 0.39))
    assert cited.spacings().verdict == "fails"


@pytest.mark.parametrize(
    ("bulk", "kind", "spikes", "verdict"),
    [
        (5.0, 5.0, 30.0, "holds"),
        (5.0, 20.0, 30.0, "holds with limits"),
        (5.0, 5.0, 2.0, "fails"),
        (15.0, 15.0, 30.0, "fails"),
        (10.0, 10.0, 30.0, "undecided"),
    ],
)
def test_vectors_of_the_encoder(monkeypatch, bulk, kind, spikes, verdict):
    other = tables.encoder_vectors().copy()
    wobble = other["layer"].astype(int) / 10
    other["spikes"] = spikes + wobble
    other["bulk"] = np.where(other["kind"] == "attention", kind, bulk) + wobble - wobble.mean()
    monkeypatch.setattr(cited, "encoder_vectors", lambda: other)
    assert cited.vectors().verdict == verdict


@pytest.mark.parametrize(
    ("judge", "name", "change"),
    [
        (cited.bema_level, "null", {"false_positive_rate": 0.25}),
        (cited.glorot, "bulk", {"sigma": 0.05}),
        (cited.the_law, "null", {"ks_median": 0.1}),
        (cited.lenet, "layers", {"test_full": 0.9}),
    ],
)
def test_cited_works(false_table, judge, name, change):
    assert judge().verdict == "holds"
    false_table(cited, name, lambda table: table.assign(**change))
    assert judge().verdict == "fails"
