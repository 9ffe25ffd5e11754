"""What the experiment "peers" asks, and of which configurations; the work is `experiments.peers`."""

from __future__ import annotations

from typing import Any

from ..runner import Experiment


def _cell(noise: str, signal: str, shape: tuple[int, int], draws: int) -> dict[str, Any]:
    return {"noise": noise, "signal": signal, "shape": list(shape), "draws": draws, "seed": 11}


#: Ten draws for tests/experiments/test_peers.py to run again; no chapter reads them.
REHEARSAL = _cell("gaussian", "strong", (64, 128), 10)

PEERS = Experiment(
    name="peers",
    question="What do other packages say of matrices whose rank is known?",
    function="rmt_helpers.experiments.peers:ask",
    configurations=[
        *(
            _cell("gaussian", signal, (64, 128), 100)
            for signal in ("none", "near", "strong", "many")
        ),
        _cell("dead columns", "none", (64, 128), 100),
        *(_cell("gaussian", signal, (256, 512), 20) for signal in ("none", "many")),
        REHEARSAL,
    ],
    # `REHEARSAL` is run again where the packages are.
    sample=[],
    tolerances={"time_over_svd": 1e6},
)
