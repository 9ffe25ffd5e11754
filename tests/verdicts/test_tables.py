"""What the judges compute for whole tables is what a fit says of one spectrum."""

import numpy as np
import pandas as pd
import pytest

from rmt_helpers import bema
from rmt_helpers.verdicts.tables import null_distance


@pytest.mark.parametrize("shape", [(40, 90), (90, 40), (200, 200)])
def test_null_distance_is_that_of_a_fit(shape):
    fit = bema(np.random.default_rng(0).standard_normal(shape))
    table = pd.DataFrame([shape], columns=["rows", "columns"])
    assert null_distance(table) == pytest.approx([fit.ks_null])
