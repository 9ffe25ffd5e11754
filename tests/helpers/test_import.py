"""The package's front door: what it exports, and what importing it must not cost."""

import subprocess
import sys

import rmt_helpers

PUBLIC = {
    "Alignment",
    "MarchenkoPastur",
    "NoiseFit",
    "SingularValueLaw",
    "Spectrum",
    "TracyWidom",
    "alignment",
    "average_alignment",
    "bema",
    "bema_general",
    "cosines",
    "gaussian_broadening",
    "gavish_donoho",
    "kritchman_nadler",
    "noise_fit",
    "optimal_shrinkage",
    "parallel_analysis",
    "screenot",
    "signal_strength",
    "spiked_matrix",
    "spiked_singular_value",
    "transition",
}


def test_public_names() -> None:
    assert set(rmt_helpers.__all__) == PUBLIC
    for name in PUBLIC:
        assert getattr(rmt_helpers, name).__doc__


def test_theory_needs_numpy_and_scipy_alone() -> None:
    """A fit in a fresh interpreter loads neither torch nor matplotlib, nor the slow scipy.stats."""
    program = (
        "import sys, numpy as np, rmt_helpers as r\n"
        "W, _, _ = r.spiked_matrix((40, 60), [4.0], rng=0)\n"
        "r.average_alignment(r.bema(W)), r.bema(W).ks, r.gaussian_broadening(W, window=5).ks\n"
        "r.noise_fit(W).report(), r.parallel_analysis(W), r.screenot(W), r.optimal_shrinkage(W)\n"
        "heavy = {'torch', 'torchvision', 'matplotlib', 'pandas', 'joblib', 'scipy.stats'}\n"
        "print(*sorted(heavy & set(sys.modules)))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], check=False, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == ""
