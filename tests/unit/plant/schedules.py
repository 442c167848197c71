"""Small schedules to test with."""

from typing import Any

import numpy as np

from vppscada.model.schedule import Schedule, SolveStatus


def schedule(on: list[list[bool]], power: list[list[float]] | None = None, start_ms: int = 0) -> Schedule:
    """A schedule of 15-minute steps from ``start_ms``."""
    committed = np.array(on, dtype=np.bool_)
    shape = committed.shape
    zeros: Any = np.zeros(shape[1])
    return Schedule(
        start_ms=start_ms,
        step_s=900.0,
        status=SolveStatus.OPTIMAL,
        power_mw=np.zeros(shape) if power is None else np.array(power, dtype=np.float64),
        on=committed,
        stored_mwh=np.zeros(shape),
        reserve_mw=np.zeros(shape),
        unserved_mw=zeros,
        dump_mw=zeros,
        import_mw=zeros,
        export_mw=zeros,
        cost=0.0,
        revenue=0.0,
        objective_value=0.0,
        bound=0.0,
        marginal_price_per_mwh=np.full(shape[1], 80.0),
    )
