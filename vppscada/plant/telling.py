"""Which setpoints are worth a command. Pure."""

import numpy as np
from numpy.typing import NDArray

Column = NDArray[np.float64]

#: A change smaller than this share of rating is not sent.
_DEADBAND = 0.001
_LEAST_MW = 0.001
#: Seconds after which a device that echoes something else is told anew: a new decision on fresh telemetry.
_RETELL_S = 5.0


def worth_telling(
    setpoint_mw: Column, sent_mw: Column, echo_mw: Column, rating_mw: Column, sent_age_s: Column
) -> NDArray[np.bool_]:
    """True where a setpoint differs from what was last sent, or from what the device echoes after a while.

    NaN setpoints are never sent. Where nothing was sent since the session came up (NaN ``sent_mw``), the
    device's own echo counts as what it was told last; without an echo the setpoint is sent.
    """
    deadband = np.maximum(_DEADBAND * rating_mw, _LEAST_MW)
    known = np.where(np.isnan(sent_mw), echo_mw, sent_mw)
    moved = np.isnan(known) | (np.abs(setpoint_mw - known) > deadband)
    disagrees = (np.abs(setpoint_mw - echo_mw) > 2.0 * deadband) & (sent_age_s > _RETELL_S)
    worth: NDArray[np.bool_] = ~np.isnan(setpoint_mw) & (moved | disagrees)
    return worth
