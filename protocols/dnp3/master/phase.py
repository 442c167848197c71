"""Where a session stands within a period, so that thousands of them do not ask at the same instant. Pure."""

import hashlib
import math

#: A slot that is due within this share of a period counts as the one that is being taken.
_SLACK = 1e-6


def phase_of(name: str) -> float:
    """The share 0..1 of every period that a session of this name waits after the period's beginning."""
    return int.from_bytes(hashlib.blake2b(name.encode(), digest_size=8).digest(), "big") / 2.0**64


def next_slot(now: float, period_s: float, phase: float) -> float:
    """The first moment after ``now`` that lies ``phase`` of a period after a whole number of periods.

    Slots stand on the clock, not on the last poll: sessions that were held up together part again. A
    period of 0 has no slots (infinity).
    """
    if period_s <= 0:
        return math.inf
    passed = math.floor(now / period_s - phase + _SLACK)
    return (passed + 1 + phase) * period_s
