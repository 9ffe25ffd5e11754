"""The experiments of the book, by name. A new one is a plan, a module that does the work, and a line here."""

from __future__ import annotations

from .plans.batches import BATCHES
from .plans.bulk import BULK
from .plans.choice import CHOICE
from .plans.compression import COMPRESSION
from .plans.decay import DECAY
from .plans.digits import DIGITS
from .plans.elsewhere import ELSEWHERE
from .plans.encoder import ENCODER
from .plans.estimators import ESTIMATORS
from .plans.failures import FAILURES
from .plans.filtering import FILTERING
from .plans.grokking import GROKKING
from .plans.hessian import HESSIAN
from .plans.largest import LARGEST
from .plans.layers import LAYERS
from .plans.memorise import MEMORISE
from .plans.null import NULL
from .plans.peers import PEERS
from .plans.responses import RESPONSES
from .plans.ridge import RIDGE
from .plans.shrinking import SHRINKING
from .plans.stopping import STOPPING
from .plans.switching import MP_PRUNING, SWITCHING
from .plans.tails import ALPHA, PHASES
from .plans.truth import TRUTH
from .plans.vectors import VECTORS
from .runner import Experiment

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
        CHOICE,
        PEERS,
        COMPRESSION,
        RESPONSES,
        FILTERING,
        MEMORISE,
        DECAY,
        RIDGE,
        PHASES,
        ALPHA,
        HESSIAN,
        STOPPING,
        SWITCHING,
        MP_PRUNING,
        GROKKING,
        ELSEWHERE,
        BATCHES,
        LARGEST,
        VECTORS,
        DIGITS,
        SHRINKING,
    )
}
