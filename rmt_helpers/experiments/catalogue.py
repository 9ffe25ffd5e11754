"""The experiments of the book, by name. A new one is a module beside this and a line here."""

from __future__ import annotations

from .batches import BATCHES
from .bulk import BULK
from .choice import CHOICE
from .compression import COMPRESSION
from .decay import DECAY
from .elsewhere import ELSEWHERE
from .encoder import ENCODER
from .estimators import ESTIMATORS
from .failures import FAILURES
from .filtering import FILTERING
from .grokking import GROKKING
from .hessian import HESSIAN
from .largest import LARGEST
from .layers import LAYERS
from .memorise import MEMORISE
from .null import NULL
from .peers import PEERS
from .ridge import RIDGE
from .runner import Experiment
from .stopping import STOPPING
from .switching import MP_PRUNING
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
        CHOICE,
        PEERS,
        COMPRESSION,
        FILTERING,
        MEMORISE,
        DECAY,
        RIDGE,
        PHASES,
        ALPHA,
        HESSIAN,
        STOPPING,
        MP_PRUNING,
        GROKKING,
        ELSEWHERE,
        BATCHES,
        LARGEST,
    )
}
