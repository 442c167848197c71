"""A schedule for a large fleet: prices, then whole patterns, then powers; again while it pays and time is left."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from vppscada.model.schedule import Schedule, ScheduleRequest, SolveFailure, SolveStatus
from vppscada.scheduling.decomposition.alone import Alone, odd_ones
from vppscada.scheduling.decomposition.committed import Committed
from vppscada.scheduling.decomposition.cycles import CycledStores
from vppscada.scheduling.decomposition.dispatching import Windows, reachable
from vppscada.scheduling.decomposition.dual import Asked, Fleet, Mixture, search
from vppscada.scheduling.decomposition.exact import settled_by_program
from vppscada.scheduling.decomposition.first_prices import first_prices
from vppscada.scheduling.decomposition.laying import Laid, lay_out, schedule_of
from vppscada.scheduling.decomposition.levels import levelled
from vppscada.scheduling.decomposition.memory import keeps_times, later_prices, moved_on, prices_of
from vppscada.scheduling.decomposition.plant import Open
from vppscada.scheduling.decomposition.rounding import choose, pool_of, repaired
from vppscada.scheduling.decomposition.stores import Flow, Stores
from vppscada.scheduling.decomposition.telling import told_by_prices
from vppscada.scheduling.decomposition.units import Units
from vppscada.scheduling.earlier import Earlier, Prices
from vppscada.scheduling.horizon import Horizon
from vppscada.scheduling.settling import Settled, schedule_from
from vppscada.scheduling.storage import storage_data
from vppscada.scheduling.thermal import thermal_data

Column = NDArray[np.float64]
Flags = NDArray[np.bool_]
Index = NDArray[np.int64]
Found = Laid | Settled

#: Share of the time for prices, and of what is left for one choice of patterns.
_DUAL_SHARE, _CHOICE_SHARE, _COMMITTED_SHARE = 0.35, 0.4, 0.3
#: Gap of the prices, as a share of the gap asked for; prices that are known from before are near enough sooner.
_DUAL_GAP, _WARM_GAP = 0.15, 0.4
_WIDTH, _WARM_WIDTH, _COMMITTED_WIDTH = 5.0, 1.0, 2.0  # per MWh, of the first box
#: Share of the time for what was planned before, a step later: its prices, and its dispatch.
_AGAIN_SHARE, _AGAIN_COMMITTED_SHARE = 0.04, 0.15
#: To explain a plan: shares of the time gone by for its prices, at most, and where no time is left.
_TOLD_SHARE, _TOLD_LEAST = 0.06, 0.02
#: Up to so many assets the powers of settled times come from one linear program, which also explains them.
EXACT_UP_TO = 300
_USED = 1e-6
#: Rounds in a row that found nothing better end the search.
_IDLE_ROUNDS = 2
_LIKED = 1e-3
#: Fleets of so few units choose among all patterns that came up, larger ones among those that the mixture holds.
_FEW_UNITS = 120
_UNIT_GROUPS, _STORE_GROUPS = 40, 40


def solve_large(
    request: ScheduleRequest, earlier: Earlier | None = None
) -> tuple[Schedule | SolveFailure, Prices | None]:
    """Solve within ``request.time_limit_s``, and what the next solve may begin with. Only for what `suits` accepts."""
    return _Search(request, earlier).solved()


@dataclass(slots=True, eq=False)
class _Candidates:
    """Answers seen, and which of them each unit may take a pattern from."""

    answers: list[Asked]
    used: Flags  # (answers, g)
    open: Flags  # (answers, groups of stores): plans that they may mix

    def add(self, asked: Asked) -> None:
        self.answers.append(asked)
        self.open = np.concatenate([self.open, np.ones((1, self.open.shape[1]), dtype=np.bool_)])
        self.used = np.concatenate([self.used, np.ones((1, self.used.shape[1]), dtype=np.bool_)])


class _Search:
    def __init__(self, request: ScheduleRequest, earlier: Earlier | None) -> None:
        self._earlier = earlier
        self._settled: Mixture | None = None
        self._priced_at: dict[bytes, tuple[Column, Column]] = {}  # by the times that were settled
        self._begun = time.monotonic()
        self._ends = self._begun + request.time_limit_s
        self._limit_s = request.time_limit_s
        self._gap = request.relative_gap
        self._request = request
        self._odd = odd_ones(request)
        usable = request.initial.usable & ~self._odd
        self._horizon = Horizon(replace(request, initial=replace(request.initial, usable=usable)))
        data = thermal_data(self._horizon)
        self._units = Units(self._horizon, replace(data, highest=reachable(data)))
        self._stores = Stores(self._horizon, storage_data(self._horizon))
        self._unit_group = np.arange(len(data)) % max(min(_UNIT_GROUPS, len(data)), 1)
        self._store_group = np.arange(len(self._stores.data)) % max(min(_STORE_GROUPS, len(self._stores.data)), 1)

    def solved(self) -> tuple[Schedule | SolveFailure, Prices | None]:
        plant = Open(self._horizon)
        known = None if self._earlier is None else later_prices(self._earlier, self._request)
        if known is None:
            energy, reserve = first_prices(self._units, self._stores, plant)
        else:
            energy, reserve = known.energy[0], known.reserve[0]
        alone = Alone(self._request, self._odd, energy)
        plant.owed = plant.owed - alone.power.sum(axis=0)
        fleet = Fleet(self._units, CycledStores(self._stores), plant, self._unit_group, self._store_group)
        again = None if known is None else self._planned_again(fleet, alone, known)
        if again is not None and self._done(again[0], again[1]):
            return self._schedule(fleet, *again), prices_of(again[2], self._settled)
        ends = time.monotonic() + _DUAL_SHARE * (self._ends - time.monotonic())
        rounds = () if again is None else again[2].rounds
        mixture = search(fleet, energy, reserve, _WIDTH, _DUAL_GAP * self._gap, ends, rounds)
        if mixture is None:
            if again is not None:
                return self._schedule(fleet, *again), prices_of(again[2], self._settled)
            return SolveFailure(SolveStatus.UNSOLVED, "no prices were found for the fleet"), None
        bound = mixture.best.bound + alone.bound(mixture.best.energy, mixture.best.reserve)
        if again is not None:
            bound = max(bound, again[1])
        best = self._rounds(fleet, mixture, alone, bound, None if again is None else again[0])
        if best is None:
            return SolveFailure(SolveStatus.UNSOLVED, "no patterns were found for the fleet in time"), None
        return self._schedule(fleet, best, bound, mixture), prices_of(mixture, self._settled)

    def _schedule(self, fleet: Fleet, best: Found, bound: float, mixture: Mixture) -> Schedule:
        """The plan with what explains it: the duals of its linear program, or prices with its times settled."""
        if not isinstance(best, Laid):
            return schedule_from(self._request, best, bound)
        energy, reserve = self._told_prices(fleet, best, mixture)
        return told_by_prices(self._request, schedule_of(self._request, best, bound, energy), energy, reserve)

    def _told_prices(self, fleet: Fleet, laid: Laid, mixture: Mixture) -> tuple[Column, Column]:
        """The best prices for settled times, from known ones or those of the plan, in a small share of the time."""
        on = laid.on[self._units.data.members]
        windows = Windows(self._units, on, self._power_before())
        settled = replace(fleet, units=Committed(self._units, on, windows.ceiling))
        now = time.monotonic()
        most, least = (share * (now - self._begun) for share in (_TOLD_SHARE, _TOLD_LEAST))
        ends = now + min(most, max(self._ends - now, least))
        near = self._settled or mixture
        energy, reserve = self._priced_at.get(_key(on), (near.best.energy, near.best.reserve))
        answers = levelled(settled, [(energy, reserve), laid.prices(fleet.plant, energy, reserve)], ends)
        best = answers[0]
        if _key(on) not in self._priced_at:
            gap = _DUAL_GAP * self._gap
            found = search(settled, best.energy, best.reserve, _COMMITTED_WIDTH, gap, ends, tuple(answers[1:]))
            best = found.best if found is not None and found.best.bound > best.bound else best
        return best.energy, best.reserve

    def _planned_again(self, fleet: Fleet, alone: Alone, known: Prices) -> tuple[Found, float, Mixture] | None:
        """The times of before, a step later, with the bound of the prices of before, brought a little further."""
        asked = tuple(fleet.ask(*pair) for pair in zip(known.energy[1:], known.reserve[1:], strict=True))
        ends = time.monotonic() + _AGAIN_SHARE * self._limit_s
        mixture = search(fleet, known.energy[0], known.reserve[0], _WARM_WIDTH, _WARM_GAP * self._gap, ends, asked)
        on = None if mixture is None else self._planned_before(mixture)
        if mixture is None or on is None:
            return None
        bound = mixture.best.bound + alone.bound(mixture.best.energy, mixture.best.reserve)
        prices = list(zip(known.settled_energy, known.settled_reserve, strict=True))
        found, _ = self._dispatched(fleet, alone, on, prices, _AGAIN_COMMITTED_SHARE, _WARM_GAP)
        return None if found is None else (found, bound, mixture)

    def _rounds(self, fleet: Fleet, mixture: Mixture, alone: Alone, bound: float, best: Found | None) -> Found | None:
        """Choose, dispatch, price what was dispatched, and choose anew with what the new prices bring up.

        ``best`` is what is known already.
        """
        seen = _candidates(mixture, self._unit_group, len(self._units.data))
        idle = 0
        while True:
            left_s = self._ends - time.monotonic()
            pool = repaired(pool_of(seen.answers, seen.used), self._units.data, self._horizon)
            limit_s = max(_CHOICE_SHARE * left_s, 1.0)
            chosen = choose(pool, self._units, fleet, seen.answers, seen.open, limit_s, self._gap / 4)
            if chosen is None:
                return best or self._at_best_prices(fleet, mixture, alone)
            flows = [one.stores for one in seen.answers]
            best = _better(best, self._laid(fleet, alone, chosen.on, chosen.weight, flows, None))
            if self._done(best, bound):
                return best
            start = (mixture.best, *_mixed(seen.answers, chosen.weight))
            laid, prices = self._dispatched(fleet, alone, chosen.on, [(one.energy, one.reserve) for one in start])
            before, best = best, _better(best, laid)
            idle = idle + 1 if before is not None and before is best else 0
            if self._done(best, bound) or prices is None or idle == _IDLE_ROUNDS:
                return best
            seen.add(fleet.ask(*prices))
            seen.add(fleet.ask(mixture.best.energy, mixture.best.reserve))

    def _at_best_prices(self, fleet: Fleet, mixture: Mixture, alone: Alone) -> Laid | None:
        """What there is when there was no time to choose: everybody's answer to the best prices."""
        one = mixture.best
        pool = pool_of([one], np.ones((1, len(self._units.data)), dtype=np.bool_))
        on = repaired(pool, self._units.data, self._horizon).on
        groups = int(self._store_group.max(initial=-1)) + 1
        return self._laid(fleet, alone, on, np.ones((1, groups)), [one.stores], None)

    def _dispatched(
        self,
        fleet: Fleet,
        alone: Alone,
        on: Flags,
        prices: list[tuple[Column, Column]],
        share: float = _COMMITTED_SHARE,
        near: float = _DUAL_GAP,
    ) -> tuple[Found | None, tuple[Column, Column] | None]:
        """Powers for settled times, and the prices that come of them: exactly, or in a large fleet nearly."""
        if len(self._request.assets) <= EXACT_UP_TO:
            settled = settled_by_program(self._request, self._units.data, alone, on, self._ends - time.monotonic())
            if settled is None:
                return None, None
            hours = self._horizon.hours
            return settled, (settled.marginal_price, settled.duals[settled.plan.rows.reserve] / hours)
        mixed = self._committed(fleet, on, prices, share, near)
        if mixed is None:
            return None, None
        weight = mixed.priced.weight
        split = int(self._unit_group.max(initial=-1)) + 1
        flows = [one.stores for one in mixed.rounds]
        laid = self._laid(fleet, alone, on, weight[:, split:], flows, self._mixed_power(mixed, weight))
        return laid, (mixed.priced.energy, mixed.priced.reserve)

    def _planned_before(self, mixture: Mixture) -> Flags | None:
        """When units run (g, T) as it was planned before; those whose times do not fit any more do as priced."""
        if self._earlier is None:
            return None
        on = moved_on(self._earlier, self._request, self._units.data.members)
        if on is None:
            return None
        fits = keeps_times(on, self._units.data, self._horizon)
        return np.where(fits[:, None], on, mixture.best.units.on)

    def _done(self, best: Found | None, bound: float) -> bool:
        near = best is not None and best.objective - bound <= self._gap * abs(best.objective)
        return near or time.monotonic() >= self._ends - 0.15 * self._limit_s

    def _committed(
        self, fleet: Fleet, on: Flags, prices: list[tuple[Column, Column]], share: float, near: float
    ) -> Mixture | None:
        """Stores planned anew for units whose times are settled. The first of the prices are where it begins."""
        windows = Windows(self._units, on, self._power_before())
        settled = replace(fleet, units=Committed(self._units, on, windows.ceiling))
        ends = time.monotonic() + share * (self._ends - time.monotonic())
        earlier = tuple(settled.ask(*pair) for pair in prices[1:])
        self._settled = search(settled, *prices[0], _COMMITTED_WIDTH, near * self._gap, ends, earlier)
        if self._settled is not None:
            self._priced_at[_key(on)] = (self._settled.best.energy, self._settled.best.reserve)
        return self._settled

    def _mixed_power(self, mixed: Mixture, weight: NDArray[np.float64]) -> NDArray[np.float64]:
        share = weight[:, : int(self._unit_group.max(initial=-1)) + 1][:, self._unit_group]
        power = np.zeros(self._units.data.highest.shape)
        for k, one in enumerate(mixed.rounds):
            power += share[k][:, None] * one.units.power
        return power

    def _laid(
        self,
        fleet: Fleet,
        alone: Alone,
        on: Flags,
        weight: NDArray[np.float64],
        flows: list[Flow],
        wanted: NDArray[np.float64] | None,
    ) -> Laid | None:
        windows = Windows(self._units, on, self._power_before())
        if wanted is not None:
            windows.prepare(wanted)
        power = np.zeros((len(self._stores.data), self._horizon.steps))
        for k, flow in enumerate(flows):
            power += weight[k][self._store_group][:, None] * flow.power
        return lay_out(self._request, self._horizon, fleet, self._units, alone, on, windows, power)

    def _power_before(self) -> Column:
        data = self._units.data
        return data.minimum + data.above_before


def _mixed(answers: Sequence[Asked], weight: NDArray[np.float64]) -> tuple[Asked, ...]:
    """Those of the answers that have a weight."""
    pairs = zip(answers, weight, strict=True)
    return tuple(one for one, share in pairs if share.max(initial=0.0) > _USED)


def _key(on: Flags) -> bytes:
    return np.packbits(on).tobytes()


def _better(one: Found | None, other: Found | None) -> Found | None:
    if one is None or other is None:
        return one if other is None else other
    return other if other.objective < one.objective else one


def _candidates(mixture: Mixture, group: Index, count: int) -> _Candidates:
    weight = mixture.priced.weight
    rounds = np.flatnonzero((weight > _USED).any(axis=1))
    answers = [mixture.rounds[k] for k in rounds]
    share = weight[rounds][:, : int(group.max(initial=-1)) + 1][:, group]
    used = np.ones(share.shape, dtype=np.bool_) if count <= _FEW_UNITS else share > _LIKED
    seen = _Candidates(answers, used, weight[rounds][:, int(group.max(initial=-1)) + 1 :] > _USED)
    seen.add(mixture.best)
    return seen
