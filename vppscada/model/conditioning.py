"""What is done to the readings of a point between the wire and the database. Engineering units throughout."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Conditioning:
    """Each of these is off by default. No quality gets better by any of them."""

    codes: tuple[float, ...] = ()  # the reading that means state 0, 1, 2 …
    rollover: float | None = None  # a counter begins anew at this: it becomes a total that never falls
    rate_limit_per_s: float | None = None  # how fast the value may move
    clamp: bool = False  # beyond minimum or maximum it is held there
    substitute: float | None = None  # shown, LOCAL_FORCED, while the reading is unfit
    frozen_after_s: float | None = None  # reported, but unchanged, for longer than this: FROZEN
