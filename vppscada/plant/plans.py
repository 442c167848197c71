"""Schedules as they were adopted, and why: their form on disk. Pure."""

import json
import zlib
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vppscada.model.schedule import Objective, Schedule

_VERSION = 1


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """A schedule that was adopted, for assets of those names in the order of its columns."""

    schedule: Schedule
    names: tuple[str, ...]
    why: str
    objective: Objective

    @property
    def end_ms(self) -> int:
        """End of its last step, plant time."""
        steps: int = self.schedule.power_mw.shape[1]
        return self.schedule.start_ms + round(self.schedule.step_s * 1000.0) * steps


@dataclass(frozen=True, slots=True, eq=False)
class KeptPlan:
    """A plan as read back: what was told of it, and its columns (n, T)."""

    told: dict[str, Any]  # why, objective, status, gap, cost, revenue, slacks, marginal prices …
    names: tuple[str, ...]
    power_mw: NDArray[np.float64]
    on: NDArray[np.bool_]

    def step_at(self, plant_ms: int) -> int | None:
        """Index of the step that covers a moment; None outside."""
        position = int((plant_ms - self.told["start_ms"]) // (self.told["step_s"] * 1000.0))
        return position if 0 <= position < self.power_mw.shape[1] else None


def plan_bytes(plan: Plan) -> bytes:
    """For the journal; powers as 32-bit floats, a watt of a gigawatt."""
    schedule = plan.schedule
    head = {
        "version": _VERSION,
        "why": plan.why,
        "objective": str(plan.objective),
        "status": str(schedule.status),
        "gap": schedule.gap,
        "cost": schedule.cost,
        "revenue": schedule.revenue,
        "solve_s": schedule.solve_s,
        "start_ms": schedule.start_ms,
        "step_s": schedule.step_s,
        "slacks": [str(slack) for slack in schedule.slacks],
        "marginal_price_per_mwh": schedule.marginal_price_per_mwh.round(6).tolist(),
        "unserved_mw": schedule.unserved_mw.round(6).tolist(),
        "names": plan.names,
        "steps": schedule.power_mw.shape[1],
    }
    columns = schedule.power_mw.astype("<f4").tobytes() + np.packbits(schedule.on).tobytes()
    return zlib.compress(json.dumps(head).encode() + b"\n" + columns, 1)


def plan_of(content: bytes) -> KeptPlan:
    """From the journal.

    Raises:
        ValueError, KeyError: not what `plan_bytes` wrote.
    """
    try:
        line, _, octets = zlib.decompress(content).partition(b"\n")
    except zlib.error as error:
        raise ValueError(f"a schedule that is damaged ({error})") from None
    told = json.loads(line)
    if told.pop("version") != _VERSION:
        raise ValueError("a schedule of another version")
    names, steps = tuple(told.pop("names")), int(told.pop("steps"))
    cells = len(names) * steps
    if len(octets) != 4 * cells + (cells + 7) // 8:
        raise ValueError("a schedule that ends early")
    power = np.frombuffer(octets[: 4 * cells], dtype="<f4").astype(np.float64).reshape(len(names), steps)
    bits = np.unpackbits(np.frombuffer(octets[4 * cells :], dtype=np.uint8), count=cells)
    return KeptPlan(told, names, power.round(6), bits.astype(np.bool_).reshape(len(names), steps))
