"""Which readings have not been renewed for too long."""

import numpy as np
from numpy.typing import NDArray

from vppscada.model.batch import TimesMs
from vppscada.model.quality import Quality, QualityColumn

#: Nothing to add for these: they are marked already, or known to be cut off.
_SAID = np.uint16(Quality.STALE | Quality.COMM_LOST)

NEVER_MS = 0


def gone_stale(received_time_ms: TimesMs, limit_ms: TimesMs, quality: QualityColumn, now_ms: int) -> NDArray[np.bool_]:
    """True where a reading is older than its limit and its quality does not say so yet.

    A point that was never received is not stale: its quality is RESTART until the device reports.
    """
    old = (now_ms - received_time_ms) > limit_ms
    fresh_claim = (quality & _SAID) == 0
    stale: NDArray[np.bool_] = old & fresh_claim & (received_time_ms != NEVER_MS)
    return stale
