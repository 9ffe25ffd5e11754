"""Every claim that the book judges, beside the rule by which stored results judge it.

One module a subject holds its ``CLAIMS``; chapter "What we believe now" prints them all.
"""

from __future__ import annotations

from . import (
    cited,
    compression,
    elsewhere,
    grokking,
    memorise,
    paper,
    review,
    shrinking,
    stopping,
    switching,
    tails,
    which,
)
from .claim import VERDICTS, Claim, Finding, mean_interval, share_interval, untested

__all__ = ["CLAIMS", "VERDICTS", "Claim", "Finding", "mean_interval", "share_interval", "untested"]

CLAIMS: tuple[Claim, ...] = (
    *paper.CLAIMS,
    *review.CLAIMS,
    *cited.CLAIMS,
    *which.CLAIMS,
    *compression.CLAIMS,
    *memorise.CLAIMS,
    *shrinking.CLAIMS,
    *tails.CLAIMS,
    *stopping.CLAIMS,
    *switching.CLAIMS,
    *grokking.CLAIMS,
    *elsewhere.CLAIMS,
)
