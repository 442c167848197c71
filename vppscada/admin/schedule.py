"""``vppscada schedule``: the schedule of a site, made here or in force in a running station, and why it is so."""

import argparse
import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from vppscada.admin import schedule_words
from vppscada.admin.loading import load
from vppscada.admin.moment import presumed, refuse_presumptions
from vppscada.admin.printing import print_lines
from vppscada.admin.quantities import time_words
from vppscada.admin.station_client import StationClient
from vppscada.maps.words import one_of
from vppscada.model.errors import VppscadaError
from vppscada.model.site import Site
from vppscada.station.schedule_answers import schedule_page

Told = Mapping[str, Any]


def schedule(options: argparse.Namespace) -> int:
    """Print a schedule. 0 also where limits had to give: it tells which.

    Raises:
        VppscadaError: no schedule, or a step or an asset that it has not.
    """
    site = load(options)
    names = [asset.name for asset in site.fleet.assets]
    for name in options.asset:
        if name not in names:
            raise VppscadaError(f"--asset {name}: expected {one_of(name, names)}")
    if options.state is None:
        told, source = _made_here(site, options)
        step = None if options.when is None else _step_at(told, options.when)
    else:
        refuse_presumptions(options, but_at=True)  # there it is the step that is meant
        told, source = _in_force(options.state, options.asset), f"in force in the station at {options.state}"
        when = options.at if options.when is None else options.when
        step = None if when is None else _step_at(told, when)
    if options.explain and not told["explained"]:
        raise VppscadaError("this schedule has no explanation: the way in which it was solved gives none")
    if options.json:
        print_lines([json.dumps(told if step is None else _only(told, step))])
        return 0
    answer = schedule_words.Answer(site, told, source)
    if options.explain:
        lines = answer.reasons(bool(options.asset)) if step is None else answer.moment(step)
    else:
        lines = answer.table(bool(options.asset), step)
    print_lines(lines)
    return 0


def _made_here(site: Site, options: argparse.Namespace) -> tuple[Told, str]:
    moment = presumed(site, options)
    request, made = moment.request(), moment.schedule()
    names = [asset.name for asset in site.fleet.assets]
    places = [names.index(name) for name in options.asset] or list(range(len(names)))
    no_price = site.schedule.price not in moment.expectations.series
    price = request.price_per_mwh * math.nan if no_price else request.price_per_mwh
    cells = request.steps * len(names)
    return schedule_page(made, names, places, price, cells=cells), f"made {moment.source}"


def _in_force(state_dir: Path, assets: Sequence[str]) -> Told:
    """All pages as one.

    Raises:
        StationError: no station answers, or it has no schedule.
    """
    with StationClient(state_dir) as station:
        params = {"assets": list(assets) or None}
        told = station.call("schedule", {**params, "offset": 0})
        following = told.pop("next")
        while following is not None:
            page = station.call("schedule", {**params, "offset": following})
            if page["start_ms"] != told["start_ms"]:  # a new one took its place meanwhile: from the beginning
                told, page = page, station.call("schedule", {**params, "offset": 0})
                told["assets"] = []
            told["assets"] += page["assets"]
            following = page["next"]
    return told


def _step_at(told: Told, when_ms: int) -> int:
    step = (when_ms - told["start_ms"]) / (1000.0 * told["step_s"])
    if not 0.0 <= step < told["steps"]:
        first, last = schedule_words.span(told)
        raise VppscadaError(f"the schedule is from {first} to {last}, not at {time_words(when_ms)}")
    return int(step)


def _only(told: Told, step: int) -> dict[str, Any]:
    """One step of every column."""

    def cut(value: Any) -> Any:
        return [value[step]] if isinstance(value, list) and len(value) == told["steps"] else value

    kept = {name: cut(value) for name, value in told.items() if name not in ("assets", "slacks")}
    kept["assets"] = [{name: cut(value) for name, value in one.items()} for one in told["assets"]]
    kept["slacks"] = [one for one in told["slacks"] if one["step"] == step]
    return {**kept, "step": step}
