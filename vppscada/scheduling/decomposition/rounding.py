"""Which units run when: one whole pattern for each, out of those that prices have brought up.

A mixed-integer program over the patterns of units that are of two minds; all others are settled. Stores choose among
mixtures of their plans. What units give above their minimum is shared by classes of marginal cost, so that a pattern is
judged by what it makes possible, and not by the powers that some prices gave it.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from vppscada.scheduling import mathopt
from vppscada.scheduling.books import start_cost
from vppscada.scheduling.decomposition.dispatching import limits
from vppscada.scheduling.decomposition.dual import Asked, Fleet
from vppscada.scheduling.decomposition.master import Rows, add_plant, add_stores
from vppscada.scheduling.decomposition.units import Units
from vppscada.scheduling.horizon import Horizon
from vppscada.scheduling.program import Index, Program
from vppscada.scheduling.thermal import ThermalData

Column = NDArray[np.float64]
Table = NDArray[np.float64]
Flags = NDArray[np.bool_]

_CLASSES = 5
_LIKED = 1e-3


@dataclass(frozen=True, slots=True, eq=False)
class Pool:
    """Patterns (k, T) of units, each once: whose it is (sorted), and what it costs but for power above the minimum."""

    owner: Index
    on: Flags
    base: Column


@dataclass(frozen=True, slots=True, eq=False)
class Chosen:
    """On (g, T) of every unit, the weight of each plan of the stores (answers, groups), and the cost expected."""

    on: Flags
    weight: Table
    objective: float
    bound: float


def pool_of(answers: list[Asked], used: Flags) -> Pool:
    """The different patterns of each unit in those of the answers that are ``used`` (answers, g)."""
    on = np.stack([one.units.on for one in answers], axis=1)  # (g, rounds, T)
    base = np.stack([one.units.base for one in answers], axis=1)
    packed = np.packbits(on, axis=2)
    owner, kept = [np.zeros(0, dtype=np.int64)], [np.zeros(0, dtype=np.int64)]
    for i in range(on.shape[0]):
        rounds = np.flatnonzero(used[:, i])
        _, first = np.unique(packed[i, rounds], axis=0, return_index=True)
        owner.append(np.full(len(first), i))
        kept.append(rounds[first])
    owners, places = np.concatenate(owner), np.concatenate(kept)
    return Pool(owners, on[owners, places], base[owners, places])


def repaired(pool: Pool, data: ThermalData, horizon: Horizon) -> Pool:
    """Units that must come down before they can stop go on until they have; a start soon after is left out."""
    before = np.nan_to_num(data.minimum + data.above_before)
    with np.errstate(divide="ignore", invalid="ignore"):
        down = np.where(data.was_on, np.ceil((before - data.stop_limit) / data.ramp_down - 1e-9), 0.0)
    down = np.clip(np.nan_to_num(down), 0, horizon.steps).astype(np.int64)
    on, base = pool.on, pool.base.copy()
    for k in np.flatnonzero(~on[np.arange(len(on)), 0] | (down[pool.owner] > 1)):
        i = int(pool.owner[k])
        steps = int(down[i])
        if steps == 0 or on[k, :steps].all():
            continue
        longer = on[k].copy()
        longer[:steps] = True
        again = np.flatnonzero(longer[steps:])
        if len(again) and again[0] < data.minimum_down[i]:
            longer[steps : steps + again[0]] = True
        base[k] = _base(longer, i, data, horizon)
        on[k] = longer
    return Pool(pool.owner, on, base)


def _base(on: Flags, i: int, data: ThermalData, horizon: Horizon) -> float:
    place = int(data.members[i])
    asset = data.assets[i]
    fixed = asset.fuel_price_per_mwh * data.fuel_at_minimum[i] + asset.running_cost_per_h
    fixed += asset.variable_cost_per_mwh * data.minimum[i]
    return float(horizon.hours * fixed * on.sum() + start_cost(horizon.request, place, on))


def choose(
    pool: Pool, units: Units, fleet: Fleet, answers: list[Asked], open_: Flags, time_limit_s: float, gap: float
) -> Chosen | None:
    """A pattern of every unit, and plans of the stores for it, at least cost; None where nothing was found in time.

    Stores mix those of the answers that are ``open_`` (answers, groups). First the linear program, then a choice among
    what that has found worth anything.
    """
    asked = _Choice(units, fleet, answers, open_)
    relaxed = asked.solved(pool, time_limit_s, 0.0, whole=False)
    if relaxed is None:
        return None
    liked, _ = relaxed
    torn = np.bincount(pool.owner, (liked > _LIKED) & (liked < 1.0 - _LIKED), len(units.data)) > 0
    kept = (liked > _LIKED) | torn[pool.owner]
    few = Pool(pool.owner[kept], pool.on[kept], pool.base[kept])
    whole = asked.solved(few, time_limit_s, gap, whole=True)
    if whole is None:
        return None
    picked, chosen = whole
    return replace(chosen, on=few.on[picked > 0.5])


class _Choice:
    def __init__(self, units: Units, fleet: Fleet, answers: list[Asked], open_: Flags) -> None:
        self._units, self._fleet, self._open = units, fleet, open_
        self._flows = [one.stores for one in answers]

    def solved(self, pool: Pool, time_limit_s: float, gap: float, whole: bool) -> tuple[Column, Chosen] | None:
        """How much of each pattern is taken, and what comes of it."""
        program, fleet = Program(), self._fleet
        free = np.bincount(pool.owner, minlength=len(self._units.data))[pool.owner] > 1
        pick = program.block((int(free.sum()),), 0.0, 1.0, integer=whole)
        _, place = np.unique(pool.owner[free], return_inverse=True)
        one = program.equal((int(place.max(initial=-1)) + 1,), 1.0)
        program.add(one[place], pick, 1.0)
        program.price(pick, pool.base[free])
        rows = add_plant(program, fleet.plant)
        weight = add_stores(program, rows, self._flows, fleet.store_group, self._open)
        _add_units(program, rows, pool, self._units, free, pick)
        answer = mathopt.run(mathopt.model_of(program.matrices()), time_limit_s, gap)
        if not answer.found:
            return None
        picked = np.ones(len(pool.owner))
        picked[free] = answer.values[pick]
        mixed = np.where(weight >= 0, answer.values[weight], 0.0)
        return picked, Chosen(pool.on[:0], mixed, answer.objective, answer.bound)


def _add_units(program: Program, rows: Rows, pool: Pool, units: Units, free: Flags, pick: Index) -> None:
    """Σ power of patterns into the balance: the minimum with the pattern, the rest by classes of marginal cost."""
    data, steps = units.data, pool.on.shape[1]
    minimum = np.where(pool.on, data.minimum[pool.owner][:, None], 0.0)
    _, ceiling = limits(data, pool.owner, pool.on)
    room = np.where(pool.on, np.maximum(ceiling - data.minimum[pool.owner][:, None], 0.0), 0.0)
    rapid = np.where(pool.on, np.minimum(data.reserve_most[pool.owner][:, None], room), 0.0)
    edges, price = _classes(units)
    given = program.block((len(price), steps))
    program.price(given, units.hours * price[:, None])
    held = program.block((steps,))
    program.add(rows.balance[None, :], given, 1.0)
    program.add(rows.reserve, held, 1.0)
    program.add(rows.balance, pick[:, None], minimum[free])
    settled = program.block((1,), 1.0, 1.0)
    program.add(rows.balance, np.broadcast_to(settled, (steps,)), minimum[~free].sum(axis=0))
    program.offset += float(pool.base[~free].sum())
    ends = np.cumsum(data.segment_width, axis=1)[pool.owner]
    width, slope = data.segment_width[pool.owner], units.slope[pool.owner]
    for k in range(len(price)):
        mine = (slope >= edges[k]) & (slope < edges[k + 1]) & (width > 0.0)
        cap = np.zeros_like(room)
        for s in range(width.shape[1]):
            part = np.clip(room - (ends - width)[:, s, None], 0.0, width[:, s, None])
            cap += np.where(mine[:, s, None], part, 0.0)
        _at_most(program, cap, free, pick, (given[k], 1.0))
    _at_most(program, rapid, free, pick, (held, 1.0))
    _at_most(program, room, free, pick, (held, 1.0), *((one, 1.0) for one in given))


def _at_most(program: Program, cap: Table, free: Flags, pick: Index, *terms: tuple[Index, float]) -> None:
    """Σ terms ≤ what the chosen patterns make possible, in every step."""
    rows = program.at_most((cap.shape[1],), cap[~free].sum(axis=0), *terms)
    program.add(rows, pick[:, None], -cap[free])


def _classes(units: Units) -> tuple[Column, Column]:
    """Edges of the classes of marginal cost, and the mean of each, by the MW that have it."""
    width, slope = units.data.segment_width.ravel(), units.slope.ravel()
    width, slope = width[width > 0.0], slope[width > 0.0]
    if not len(slope):
        return np.array([-np.inf, np.inf]), np.zeros(1)
    order = np.argsort(slope)
    share = np.cumsum(width[order]) / width.sum()
    cuts = slope[order][np.searchsorted(share, np.arange(1, _CLASSES) / _CLASSES)]
    edges = np.concatenate([[-np.inf], np.unique(cuts), [np.inf]])
    place = np.searchsorted(edges, slope, side="right") - 1
    total = np.bincount(place, width, len(edges) - 1)
    mean = np.bincount(place, width * slope, len(edges) - 1) / np.maximum(total, 1e-12)
    return edges, mean
