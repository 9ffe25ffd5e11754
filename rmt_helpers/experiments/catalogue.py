"""The experiments of the book, by name. A new one is a module beside this and a line here."""

from __future__ import annotations

from .batches import BATCHES
from .bulk import BULK
from .elsewhere import ELSEWHERE
from .choice import CHOICE
from .decay import DECAY
from .encoder import ENCODER
from .estimators import ESTIMATORS
from .failures import FAILURES
from .largest import LARGEST
from .compression import COMPRESSION
from .encoder import ENCODER
from .estimators import ESTIMATORS
from .failures import FAILURES
from .filtering import FILTERING
from .grokking import GROKKING
from .layers import LAYERS
from .memorise import MEMORISE
from .null import NULL
from .peers import PEERS
from .ridge import RIDGE
from .runner import Experiment
from .stopping import STOPPING
from .switching import MP_PRUNING
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
        ELSEWHERE,
        BATCHES,
        LARGEST,
    )
    for experiment in (NULL, FAILURES, TRUTH, BULK, LAYERS, ENCODER, ESTIMATORS, CHOICE, PEERS)
        FILTERING,
        COMPRESSION,
        MEMORISE,
        DECAY,
        RIDGE,
        GROKKING,
        STOPPING,
        MP_PRUNING,
    )
}
