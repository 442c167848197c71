"""Quality of a reading in the words of IEEE 1815, and the quality of its time.

Rule of the house: no path may make quality better than its inputs. Combine with `worst`.
"""

from enum import IntEnum, IntFlag

import numpy as np
from numpy.typing import NDArray


class Quality(IntFlag):
    """Bits of a reading's quality; ``ONLINE`` alone is good. Zero (not online, no reason) is bad."""

    NONE = 0
    ONLINE = 0x01
    RESTART = 0x02
    COMM_LOST = 0x04
    REMOTE_FORCED = 0x08
    LOCAL_FORCED = 0x10
    OVER_RANGE = 0x20
    CHATTER_FILTER = 0x40
    DISCONTINUITY = 0x80
    REFERENCE_ERR = 0x100
    STALE = 0x200  # not reported for too long
    FROZEN = 0x400  # reported, but unchanged for too long


GOOD = Quality.ONLINE
#: Bits that make a reading unfit to act on. A forced value is somebody's decision and stays usable.
UNFIT = (
    Quality.RESTART
    | Quality.COMM_LOST
    | Quality.OVER_RANGE
    | Quality.CHATTER_FILTER
    | Quality.REFERENCE_ERR
    | Quality.STALE
    | Quality.FROZEN
)


def quality_words(quality: Quality) -> str:
    """The bits by their names, or NONE."""
    return " ".join(str(bit.name) for bit in Quality if bit and bit in quality) or "NONE"


class TimeQuality(IntEnum):
    """How far a source time can be trusted; ordered, larger is better."""

    NONE = 0  # the source gave no time
    UNSYNCHRONISED = 1  # the source gave a time and says that its clock is not set
    SYNCHRONISED = 2


QualityColumn = NDArray[np.uint16]


def worst(left: QualityColumn, right: QualityColumn) -> QualityColumn:
    """Quality of a value made from two others: online only if both are, every fault bit of either."""
    online = np.uint16(Quality.ONLINE)
    return (left & right & online) | ((left | right) & ~online)


def is_fit(quality: QualityColumn) -> NDArray[np.bool_]:
    """True where a reading is online and carries no bit of `UNFIT`."""
    fit: NDArray[np.bool_] = (quality & np.uint16(Quality.ONLINE | UNFIT)) == np.uint16(Quality.ONLINE)
    return fit
