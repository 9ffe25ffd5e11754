"""Four fields beside neural networks: data with a known truth, and what each field does to them.

Returns of stocks, speech, counts of genes in single cells, parts of non-negative matrices. What the data
are made of is this book's choice, simple on purpose; "The same law elsewhere" derives and uses it all.
"""

from .counts import biwhitened, cell_counts, localisation, log_normalised, seen_twice
from .factors import factorised, parts
from .speech import RATE, decibels, from_hankel, hankel, vowel
from .stocks import clipped, minimum_variance, risk, shrunk_linearly, standardised, stock_returns

__all__ = [
    "RATE",
    "biwhitened",
    "cell_counts",
    "clipped",
    "decibels",
    "factorised",
    "from_hankel",
    "hankel",
    "localisation",
    "log_normalised",
    "minimum_variance",
    "parts",
    "risk",
    "seen_twice",
    "shrunk_linearly",
    "standardised",
    "stock_returns",
    "vowel",
]
