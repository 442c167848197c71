"""Which values have moved far enough to be reported."""

import numpy as np
from numpy.typing import NDArray

from vppscada.model.batch import Values


def beyond_deadband(value: Values, reported: Values, deadband: Values) -> NDArray[np.bool_]:
    """True where a value lies more than ``deadband`` from the one last reported, all in one unit.

    A deadband of 0 reports any difference. Becoming, or ceasing to be, a number is always a difference.
    """
    with np.errstate(invalid="ignore"):
        moved: NDArray[np.bool_] = np.abs(value - reported) > deadband
    moved |= np.isnan(value) != np.isnan(reported)
    moved |= np.isinf(value) & np.isinf(reported) & (value != reported)
    return moved
