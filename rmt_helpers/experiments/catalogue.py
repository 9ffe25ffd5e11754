"""The experiments of the book, by name. A new one is a module beside this and a line here."""

from __future__ import annotations

from .bulk import BULK
from .encoder import ENCODER
from .estimators import ESTIMATORS
from .failures import FAILURES
from .hessian import HESSIAN
from .layers import LAYERS
from .null import NULL
from .runner import Experiment
from .tails import ALPHA, PHASES
from .truth import TRUTH

EXPERIMENTS: dict[str, Experiment] = {
    experiment.name: experiment
    for experiment in (
        NULL,
        FAILURES,
        TRUTH,
        BULK,
        LAYERS,
        ENCODER,
        ESTIMATORS,
        PHASES,
        ALPHA,
        HESSIAN,
    )
}
