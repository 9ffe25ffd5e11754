"""Every claim that the book judges, beside the rule by which stored results judge it.

One module a subject holds its ``CLAIMS``; chapter "What we believe now" prints them all.
"""

from __future__ import annotations

from . import cited, compression, elsewhere, paper, review, which
from . import memorise
from . import grokking, stopping
from .claim import VERDICTS, Claim, Finding, mean_interval, untested

__all__ = ["CLAIMS", "VERDICTS", "Claim", "Finding", "mean_interval", "untested"]

_JUDGED: tuple[Claim, ...] = (
    *paper.CLAIMS,
    *review.CLAIMS,
    *cited.CLAIMS,
    *which.CLAIMS,
    *compression.CLAIMS,
    *elsewhere.CLAIMS,
)

CLAIMS: tuple[Claim, ...] = (*_JUDGED, *cited.unjudged(_JUDGED))
CLAIMS: tuple[Claim, ...] = (
    # A line a module.
    *memorise.CLAIMS,
CLAIMS: tuple[Claim, ...] = (
    *stopping.CLAIMS,
    *grokking.CLAIMS,
)
