"""The plant at a moment, for what is asked of it on a command line: as a running station tells it, or presumed."""

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vppscada.admin.quantities import time_words
from vppscada.admin.station_client import StationClient, StationError
from vppscada.maps.words import one_of
from vppscada.model.assets import AssetFamily, AssetStates, Fleet
from vppscada.model.errors import VppscadaError
from vppscada.model.schedule import Schedule, ScheduleRequest
from vppscada.model.site import Site
from vppscada.plant.expectations import Expectations
from vppscada.plant.memory import emergency_mask
from vppscada.plant.requirements import History, build_request, horizon_of
from vppscada.plant.standing import LONG_H, energy_worth, presumed_states, unserved_mwh
from vppscada.scheduling.solve import solve
from vppscada.station.in_force import expectations_of
from vppscada.station.supervisor import wall_ms

Column = NDArray[np.float64]

#: What a station tells of each asset.
_COLUMNS = (
    "power_mw",
    "available_mw",
    "available_charge_mw",
    "stored_mwh",
    "hours_in_state",
    "run_hours_today",
    "run_hours_year",
    "non_emergency_today",
    "non_emergency_year",
    "stored_worth_per_mwh",
    "on",
    "online",
    "usable",
    "permitted",
)
#: State of charge of a store of which nothing is told.
_HALF = 0.5


@dataclass(frozen=True, slots=True, eq=False)
class Moment:
    """A site at a time: what is measured or presumed, and what is expected."""

    site: Site
    plant_ms: int
    states: AssetStates
    history: History
    expectations: Expectations
    target_mw: float | None  # what the plant is to give now; None = it chooses for itself
    worth_per_mwh: Column | None  # of energy in the stores, by the schedule in force; None = there is none
    unserved_mwh: float  # by that schedule
    source: str  # where it comes from, in words

    def request(self) -> ScheduleRequest:
        """What the optimiser would be asked now."""
        site = self.site
        return build_request(
            site.fleet,
            self.states,
            self.history,
            site.schedule,
            self.expectations,
            horizon_of(site.schedule, self.plant_ms),
            self.target_mw,
            site.products,
        )

    def schedule(self) -> Schedule:
        """A schedule from now on, made here.

        Raises:
            VppscadaError: none came; in the solver's words.
        """
        made = solve(self.request())
        if not isinstance(made, Schedule):
            raise VppscadaError(f"no schedule from {time_words(self.plant_ms)}: {made.reason}")
        return made

    def worth(self) -> tuple[Column, float]:
        """Worth of energy in each store per MWh, and what the schedule behind it leaves unserved, MWh.

        The schedule is the one in force, or one made here.

        Raises:
            VppscadaError: as `schedule`.
        """
        if self.worth_per_mwh is not None:
            return self.worth_per_mwh, self.unserved_mwh
        if not any(asset.kind.family is AssetFamily.STORAGE for asset in self.site.fleet.assets):
            return np.zeros(len(self.site.fleet)), 0.0
        made = self.schedule()
        return energy_worth(self.site.fleet, made, self.plant_ms), unserved_mwh(made)


def presumed(site: Site, options: argparse.Namespace) -> Moment:
    """The site with nothing running: everything usable, forecasts from its data, states as the options give them.

    Raises:
        ConfigError: a data file cannot be read.
        VppscadaError: an option names an asset that is not there, or a time that the data does not cover.
    """
    fleet, expectations = site.fleet, expectations_of(site)
    plant_ms, words = _time(site, expectations, options.at)
    on = _by_name(fleet, options.on, AssetFamily.THERMAL, "--on")
    charged = _by_name(fleet, options.soc, AssetFamily.STORAGE, "--soc")
    powers = {name: -np.inf if power is None else power for name, power in on.items()}  # the least that there is
    soc = {asset.name: charged.get(asset.name, _HALF) for asset in fleet.assets if _is(asset.kind.family)}
    states = presumed_states(fleet, expectations, plant_ms, powers, soc)
    n = len(fleet)
    load = expectations.now(site.schedule.load, plant_ms)
    follows = site.plant.mode == "follow"
    return Moment(
        site=site,
        plant_ms=plant_ms,
        states=states,
        history=History(
            hours_in_state=np.full(n, LONG_H),
            run_hours_today=np.zeros(n),
            run_hours_year=np.zeros(n),
            non_emergency_today=np.zeros(n),
            non_emergency_year=np.zeros(n),
            permitted=~emergency_mask(fleet) | options.emergency,
        ),
        expectations=expectations,
        target_mw=(site.plant.target_mw if np.isnan(load) else load) if follows else None,
        worth_per_mwh=None,
        unserved_mwh=0.0,
        source=words,
    )


def refuse_presumptions(options: argparse.Namespace, but_at: bool = False) -> None:
    """With ``--state`` nothing is presumed.

    Raises:
        VppscadaError: an option that presumes something.
    """
    given = {"--on": options.on, "--soc": options.soc, "--emergency": options.emergency}
    if not but_at:
        given["--at"] = options.at is not None
    for option, is_given in given.items():
        if is_given:
            raise VppscadaError(f"{option} is for a plant that does not run: with --state the station tells how it is")


def _is(family: AssetFamily) -> bool:
    return family is AssetFamily.STORAGE


def _time(site: Site, expectations: Expectations, at_ms: int | None) -> tuple[int, str]:
    """The moment that is meant, and how it came about."""
    spec = site.schedule
    named = {spec.load, spec.price, spec.ambient, *(asset.forecast for asset in site.fleet.assets)}
    used = [expectations.series[name] for name in sorted(named) if name in expectations.series]
    if not used:
        return (wall_ms() if at_ms is None else at_ms), "from the site file"
    first = max(int(one.time_ms[0]) for one in used)
    last = min(int(one.time_ms[-1]) + one.step_ms for one in used)
    wanted = wall_ms() if at_ms is None else at_ms
    if first <= wanted < last:
        return wanted, "from the site file and its data"
    covered = f"{time_words(first)} to {time_words(last)}"
    if at_ms is None and first < last:
        return first, f"from the site file, where its data begins ({covered})"
    raise VppscadaError(f"the data of {site.file} is from {covered}, not at {time_words(wanted)}")


def _by_name(fleet: Fleet, told: Sequence[tuple[str, Any]], family: AssetFamily, option: str) -> dict[str, Any]:
    """What options tell of assets by name; 'all' or no name is for every one of the family."""
    names = [asset.name for asset in fleet.assets if asset.kind.family is family]
    found: dict[str, Any] = {}
    for name, value in told:
        if name in ("", "all"):
            found |= dict.fromkeys(names, value)
        elif name in names:
            found[name] = value
        else:
            raise VppscadaError(f"{option} {name}: expected {one_of(name, names)}")
    return found


def told_by_station(site: Site, state_dir: Path) -> Moment:
    """The site as the station that runs it holds it now.

    Raises:
        StationError: no station answers, or it runs other assets.
        ConfigError: a data file of the site cannot be read.
    """
    with StationClient(state_dir) as station:
        pages = list(station.pages("fleet"))
    told = {one["asset"]: one for page in pages for one in page["assets"]}
    names = [asset.name for asset in site.fleet.assets]
    if list(told) != names:
        raise StationError(f"the station at {state_dir} runs other assets than {site.file}: {', '.join(told)[:200]}")
    columns = {key: _column([told[name][key] for name in names]) for key in _COLUMNS}
    head = pages[0]
    return Moment(
        site=site,
        plant_ms=int(head["plant_time_ms"]),
        states=_states(columns),
        history=History(
            hours_in_state=columns["hours_in_state"],
            run_hours_today=columns["run_hours_today"],
            run_hours_year=columns["run_hours_year"],
            non_emergency_today=columns["non_emergency_today"],
            non_emergency_year=columns["non_emergency_year"],
            permitted=columns["permitted"] == 1.0,
        ),
        expectations=expectations_of(site),
        target_mw=head["target_mw"],
        worth_per_mwh=columns["stored_worth_per_mwh"] if head["schedule"] else None,
        unserved_mwh=float(head["unserved_mwh"]),
        source=f"as the station at {state_dir} holds it",
    )


def _column(told: Sequence[float | None]) -> Column:
    return np.array([np.nan if value is None else value for value in told], dtype=np.float64)


def _states(columns: Mapping[str, Column]) -> AssetStates:
    unknown = np.full(len(columns["on"]), np.nan)
    return AssetStates(
        power_mw=columns["power_mw"],
        reactive_mvar=unknown,
        available_mw=columns["available_mw"],
        available_charge_mw=columns["available_charge_mw"],
        stored_mwh=columns["stored_mwh"],
        setpoint_mw=unknown,
        on=columns["on"] == 1.0,
        online=columns["online"] == 1.0,
        fault=np.zeros(len(unknown), dtype=np.bool_),
        usable=columns["usable"] == 1.0,
    )
