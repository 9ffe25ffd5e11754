"""Every claim that the book judges, beside the rule by which stored results judge it.

One module a subject holds its ``CLAIMS``; chapter "What we believe now" prints them all.
"""

from __future__ import annotations

from . import tails
from .claim import VERDICTS, Claim, Finding, mean_interval, untested

__all__ = ["CLAIMS", "VERDICTS", "Claim", "Finding", "mean_interval", "untested"]

CLAIMS: tuple[Claim, ...] = (*tails.CLAIMS,)
