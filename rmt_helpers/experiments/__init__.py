"""Named experiments: runs too long for a chapter, whose results are stored with their provenance.

``python -m rmt_helpers.experiments list | run | check``; chapters read with `load_results`, for which
torch need not be installed: what is asked stands in ``plans/``, apart from the modules that do the work.
"""

from __future__ import annotations

from .store import Results, StaleResults

__all__ = ["Results", "StaleResults", "load_results"]


def load_results(name: str) -> Results:
    """Read the stored results of an experiment.

    Parameters
    ----------
    name : str
        As ``python -m rmt_helpers.experiments list`` shows it.

    Returns
    -------
    Results
        ``table`` is a data frame, its first columns ``run`` and the configuration, then what was measured:
        a row for each run, layer, estimator or epoch, as the experiment has them. ``arrays(run)`` is a
        dictionary of arrays of one run, under names like ``"fc1/values"`` (``list(results.arrays(run))`` shows them);
        ``runs[run]`` says when and with which versions it was made.

    Raises
    ------
    ValueError
        If there is no such experiment.
    StaleResults
        If they were made by other code or other configurations than the present ones.
    """
    from .catalogue import EXPERIMENTS
    from .runner import load

    if name not in EXPERIMENTS:
        raise ValueError(f"name must be one of {list(EXPERIMENTS)}, was {name!r}")
    return load(EXPERIMENTS[name])
