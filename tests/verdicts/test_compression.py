"""What the judges of compression and filtering say follows from the stored tables."""

import csv
import json
import math
from collections import defaultdict

import numpy as np
import pytest

from rmt_helpers.experiments.store import results_folder
from rmt_helpers.verdicts import CLAIMS, VERDICTS, compression


def rows(name: str) -> list[dict[str, str]]:
    """The lines of a stored table, each with the configuration of its run, all as text."""
    folder = results_folder() / name
    runs = json.loads((folder / "runs.json").read_text("utf8"))
    with (folder / "table.csv").open(encoding="utf8", newline="") as stream:
        return [
            {key: str(value) for key, value in runs[line["run"]]["configuration"].items()} | line
            for line in csv.DictReader(stream)
        ]


def by_seed(name: str, key: tuple[str, ...], **wanted: str) -> dict[tuple[str, ...], float]:
    """Test accuracy in per cent of the rows that have these entries."""
    return {
        tuple(row[k] for k in key): 100 * float(row["test"])
        for row in rows(name)
        if all(row[k] == v for k, v in wanted.items())
    }


@pytest.fixture(scope="module")
def findings():  # type: ignore[no-untyped-def]
    return {claim.key: claim.judge() for claim in compression.CLAIMS}


def test_claims_are_among_those_of_the_book(findings) -> None:  # type: ignore[no-untyped-def]
    assert set(compression.CLAIMS) <= set(CLAIMS)
    for finding in findings.values():
        assert finding.verdict in VERDICTS
        assert finding.low <= finding.effect <= finding.high
        assert math.isfinite(finding.effect)


def test_filtering_from_the_table_by_hand(findings) -> None:  # type: ignore[no-untyped-def]
    at = {"data": "mnist", "random_labels": "0.4"}
    full = by_seed("filtering", ("seed",), filter="full", **at)
    shifted = by_seed("filtering", ("seed",), filter="shift at broadening", layers="fc2", **at)
    gains = [shifted[seed] - full[seed] for seed in full]
    found = findings["filtering-wrong-labels"]
    assert len(gains) == 5
    assert found.effect == pytest.approx(np.mean(gains))
    # Student's 97.5 % point with four degrees of freedom.
    half = 2.7764 * np.std(gains, ddof=1) / math.sqrt(5)
    assert found.high - found.effect == pytest.approx(half, rel=1e-4)
    assert (found.verdict == "fails") == (min(gains) <= 0 or found.low <= 0)


def test_compression_from_the_table_by_hand(findings) -> None:  # type: ignore[no-untyped-def]
    key = ("network", "data", "seed")
    whole = by_seed("compression", key, method="whole", tuned="False")
    cut = by_seed("compression", key, method="threshold", tuned="False")
    lost = {run: whole[run] - cut[run] for run in whole}
    assert findings["right-2"].effect == pytest.approx(np.mean(list(lost.values())))
    kinds = defaultdict(list)
    for (network, data, _), value in lost.items():
        kinds[network, data].append(value)
    assert sorted(map(len, kinds.values())) == [5, 5, 5, 5]
    if findings["right-2"].verdict == "holds":
        assert max(np.mean(v) for v in kinds.values()) < 0.5

    pruned = by_seed("compression", key, method="magnitude", budget="0.1", tuned="True")
    longer = by_seed("compression", key, method="whole", tuned="True")
    loss = [longer[run] - pruned[run] for run in longer]
    assert findings["pruning-tenfold"].effect == pytest.approx(np.mean(loss))


def test_gains_by_responses_are_taken_at_the_lowest_useful_rank() -> None:
    gains = compression.gains_by_responses()
    assert gains.shape == (10,)  # LeNet-5 on two data sets
    # At a rank that costs five points, two ways of splitting cannot be worlds apart.
    assert np.all(np.abs(gains) < 20)
    assert compression.gains_by_responses("fc1", "mlp").shape == (10,)


def test_gains_with_all_layers_split_by_hand() -> None:
    large = [row for row in rows("responses") if row["images"] != "1200"]
    found = []
    for seed in sorted({row["seed"] for row in large}):
        at = {
            (row["kept"], row["method"]): (100 * float(row["validation"]), 100 * float(row["test"]))
            for row in large
            if row["seed"] == seed
        }
        whole = at["all", "whole"][0]
        for kept in ("0.125", "0.25", "0.375", "0.5"):
            ways = [at[kept, way] for way in ("weights by channel", "responses, nonlinear")]
            if max(seen for seen, _ in ways) >= whole - 5:
                found.append(ways[1][1] - ways[0][1])
                break
    assert compression.gains_together() == pytest.approx(found)


@pytest.mark.parametrize(
    ("alone", "together", "verdict"),
    [
        ([5, 6, 5], [6, 7, 6], "holds"),
        ([-1, 1, 0], [6, 7, 6], "holds with limits"),
        ([1, 1.2, 1.1], [-1, 1, 0], "holds with limits"),
        ([-1, 1, 0], [-1, 1, 0], "undecided"),
        ([-2, -2.1, -2.2], [-1, 1, 0], "undecided"),
        ([-2, -2.1, -2.2], [-4, -4.1, -4.2], "fails"),
    ],
)
def test_the_judge_of_responses_can_say_anything(
    alone: list[float], together: list[float], verdict: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compression, "gains_by_responses", lambda: np.array(alone))
    monkeypatch.setattr(compression, "gains_together", lambda: np.array(together))
    assert compression._judge_responses().verdict == verdict
