"""What the books cost a fleet: one cycle of accounting, a page and a schedule as they go to disk, and their room a day.

Of rivals: pickle, protocol 5, compressed as the pages are, in the same run.
"""

import pickle
import time
import zlib
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from tests.benchmarks.row import Row
from tests.unit.plant.fleets import BATTERY, ENGINE, FLYWHEEL, PV
from vppscada.model.assets import Fleet
from vppscada.model.schedule import Objective, Schedule, SolveStatus
from vppscada.plant.books import Account, Facts, Yardstick, advance
from vppscada.plant.pages import REALISED, SCHEDULED, Opening, Page, to_bytes
from vppscada.plant.plans import Plan, plan_bytes

_SIZES = (1_000, 10_000)
_STEPS = 96
_ROUNDS = 7
_CYCLES = 50
_MS, _MB = "ms (less is better)", "MB a day (less is better)"


def run() -> list[Row]:
    """Both sizes."""
    return [row for assets in _SIZES for row in _rows(assets)]


def _rows(assets: int) -> list[Row]:
    rng = np.random.default_rng(1)
    kinds = (ENGINE, PV, BATTERY, FLYWHEEL)
    fleet = Fleet(tuple(replace(kinds[i % 4], name=f"asset{i}") for i in range(assets)))
    page, cycle_ms = _page(fleet, rng)
    plan = _plan(fleet, rng)
    page_bytes, plan_size = len(to_bytes(page)), len(plan_bytes(plan))
    rival_page, rival_plan = len(_pickled(page)), len(_pickled(plan))
    told = f"books_{assets}"
    pickle_name = "pickle + zlib"
    return [
        Row(f"{told}_cycle", cycle_ms, None, "", "ms a cycle for one account (less is better)"),
        Row(f"{told}_page", _ms(lambda: to_bytes(page)), _ms(lambda: _pickled(page)), pickle_name, _MS),
        Row(f"{told}_plan", _ms(lambda: plan_bytes(plan)), _ms(lambda: _pickled(plan)), pickle_name, _MS),
        Row(f"{told}_pages_day", 96 * page_bytes / 1e6, 96 * rival_page / 1e6, pickle_name, _MB),
        Row(f"{told}_plans_day", 96 * plan_size / 1e6, 96 * rival_plan / 1e6, pickle_name, _MB),
    ]


def _pickled(what: object) -> bytes:
    return zlib.compress(pickle.dumps(what, 5), 1)


def _ms(work: Callable[[], object]) -> float:
    """The shortest of some rounds."""
    times = []
    for _ in range(_ROUNDS):
        begin = time.perf_counter()
        work()
        times.append(time.perf_counter() - begin)
    return 1e3 * min(times)


def _page(fleet: Fleet, rng: np.random.Generator) -> tuple[Page, float]:
    """A page after some cycles, and the milliseconds that one took."""
    n, yard = len(fleet), Yardstick.of(fleet)
    on, column = np.ones(n, dtype=np.bool_), rng.uniform(0.0, 3.0, n)
    available = np.where(yard.costs.renewable, 5.0, np.nan)
    account, times = Account.blank(n), []
    for _ in range(_CYCLES):
        facts = Facts(on, rng.uniform(0.0, 3.0, n), on, available, column, 5.0, follows=True, price=50.0)
        begin = time.perf_counter()
        account = advance(account, 2.0 / 3600.0, facts, yard)
        times.append(time.perf_counter() - begin)
    names = tuple(asset.name for asset in fleet.assets)
    accounts = {REALISED: account, SCHEDULED: advance(account, 0.1, facts, yard)}
    opening = Opening(*rng.uniform(0.0, 3.0, (10, n)))
    return Page(0, 900_000, 900_000, names, accounts, opening, column), 1e3 * float(np.median(times))


def _plan(fleet: Fleet, rng: np.random.Generator) -> Plan:
    """A day in quarters; powers change each hour."""
    n, zeros = len(fleet), np.zeros(_STEPS)
    on = np.repeat(rng.random((n, _STEPS // 4)) < 0.5, 4, axis=1)
    power = np.where(on, np.repeat(rng.uniform(0.0, 3.0, (n, _STEPS // 4)), 4, axis=1), 0.0)
    money = (1.0, 1.0, 1.0, 1.0)
    schedule = Schedule(
        0, 900.0, SolveStatus.OPTIMAL, power, on, power, power, zeros, zeros, zeros, zeros, *money, zeros + 50.0
    )
    return Plan(schedule, tuple(asset.name for asset in fleet.assets), "clock", Objective.COST)
