"""What the plant knows of its assets, taken along when its fleet changes: by their names. Pure."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from vppscada.model.assets import Fleet
from vppscada.model.schedule import Schedule
from vppscada.plant.following import Following
from vppscada.plant.memory import Memory

Places = NDArray[np.intp]
_T = TypeVar("_T", bound=np.generic)


def places_of(before: Fleet, after: Fleet) -> tuple[Places, Places]:
    """Of the assets in both: where they stand in ``after``, and where they stood in ``before``."""
    stood = {asset.name: i for i, asset in enumerate(before.assets)}
    both = [(i, stood[asset.name]) for i, asset in enumerate(after.assets) if asset.name in stood]
    return _column([new for new, _ in both]), _column([old for _, old in both])


def _column(places: Sequence[int]) -> Places:
    return np.array(places, dtype=np.intp)


def carried_memory(memory: Memory, before: Fleet, after: Fleet) -> Memory:
    """The memory of a plant whose fleet is ``after`` now; of new assets nothing is known."""
    fresh = Memory.fresh(len(after), memory.plant_ms)
    new, old = places_of(before, after)

    def moved(one: NDArray[_T], blank: NDArray[_T]) -> NDArray[_T]:
        blank[..., new] = one[..., old]
        return blank

    followed, blank = memory.following, fresh.following
    return replace(
        memory,
        setpoint_mw=moved(memory.setpoint_mw, fresh.setpoint_mw),
        seconds_in_state=moved(memory.seconds_in_state, fresh.seconds_in_state),
        seen=moved(memory.seen, fresh.seen),
        was_on=moved(memory.was_on, fresh.was_on),
        run_hours_today=moved(memory.run_hours_today, fresh.run_hours_today),
        run_hours_year=moved(memory.run_hours_year, fresh.run_hours_year),
        non_emergency_today=moved(memory.non_emergency_today, fresh.non_emergency_today),
        non_emergency_year=moved(memory.non_emergency_year, fresh.non_emergency_year),
        following=Following(
            moved(followed.strikes, blank.strikes),
            moved(followed.noise_mw, blank.noise_mw),
            moved(followed.clamped_until, blank.clamped_until),
        ),
    )


def carried_schedule(schedule: Schedule, before: Fleet, after: Fleet) -> Schedule:
    """The schedule until there is one for the new fleet: new assets rest."""
    new, old = places_of(before, after)

    def moved(one: NDArray[_T]) -> NDArray[_T]:
        blank = np.zeros((len(after), one.shape[1]), dtype=one.dtype)
        blank[new] = one[old]
        return blank

    return replace(
        schedule,
        power_mw=moved(schedule.power_mw),
        on=moved(schedule.on),
        stored_mwh=moved(schedule.stored_mwh),
        reserve_mw=moved(schedule.reserve_mw),
        held=tuple(replace(one, held_mw=moved(one.held_mw)) for one in schedule.held),
        explanation=None,
    )
