"""Short ways to make points and batches for the tests of the database."""

from collections.abc import Sequence

import numpy as np

from vppscada.model.batch import Batch, Cause
from vppscada.model.points import Point, PointKind
from vppscada.model.quality import Quality, TimeQuality


def analog(
    name: str,
    *,
    scale: float = 1.0,
    offset: float = 0.0,
    minimum: float | None = None,
    maximum: float | None = None,
    deadband: float = 0.0,
    event_class: int = 0,
    stale_after_s: float | None = None,
) -> Point:
    return Point(
        f"a.{name}",
        PointKind.ANALOG_INPUT,
        scale=scale,
        offset=offset,
        minimum=minimum,
        maximum=maximum,
        deadband=deadband,
        event_class=event_class,
        stale_after_s=stale_after_s,
    )


def batch(
    rows: Sequence[int],
    values: Sequence[float],
    *,
    cause: Cause = Cause.CYCLIC,
    quality: Quality | Sequence[int] = Quality.ONLINE,
    times: Sequence[int] | None = None,
    time_quality: TimeQuality = TimeQuality.SYNCHRONISED,
    received_ms: int = 1_000,
    texts: dict[int, str] | None = None,
) -> Batch:
    n = len(rows)
    spread = np.broadcast_to(np.asarray(quality, dtype=np.uint16), (n,))
    timed = TimeQuality.NONE if times is None else time_quality
    return Batch(
        np.array(rows, dtype=np.intp),
        np.array(values, dtype=np.float64),
        spread,
        np.array(times if times is not None else [0] * n, dtype=np.int64),
        np.full(n, timed, dtype=np.uint8),
        received_ms,
        cause,
        dict(texts or {}),
    )
