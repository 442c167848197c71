"""``vppscada cost``: what it costs to meet a requirement, and the cost curve of the plant."""

import argparse
import csv
import io
import json
from collections.abc import Sequence

from vppscada.admin import cost_words
from vppscada.admin.cost_question import Question
from vppscada.admin.loading import load
from vppscada.admin.moment import presumed, refuse_presumptions, told_by_station
from vppscada.admin.printing import print_lines
from vppscada.model.errors import VppscadaError
from vppscada.model.site import Site
from vppscada.plant.cost_curve import cost_curve
from vppscada.scheduling.meeting import Meeting

#: Exit status: a target is beyond what the plant can hold then.
_NOT_MET = 3
_SAME_MW = 1e-6


def cost(options: argparse.Namespace) -> int:
    """Print costs. 0: every target can be met; 3: one cannot, by how much is told.

    Raises:
        VppscadaError: what was asked has no sense for this plant.
    """
    site = load(options)
    wanted = [target for targets in options.target or () for target in targets]
    _refuse_beyond(site, wanted)
    if options.state is not None:
        refuse_presumptions(options)
    moment = presumed(site, options) if options.state is None else told_by_station(site, options.state)
    asked = Question(moment, options)
    return _curve(asked, options) if options.curve else _targets(asked, wanted, options)


def _refuse_beyond(site: Site, wanted: Sequence[float]) -> None:
    lowest = sum(asset.lowest_mw for asset in site.fleet.assets)
    for target in wanted:
        if not lowest - _SAME_MW <= target <= site.fleet.rating_mw + _SAME_MW:
            limits = f"{lowest:g} to {site.fleet.rating_mw:g} MW"
            raise VppscadaError(f"{target:g} MW is beyond the plant, whose assets are made for {limits}")


def _curve(asked: Question, options: argparse.Namespace) -> int:
    whole = cost_curve(asked.offers)
    shown = whole.thinned(options.points) if options.points else whole
    names = ("power_mw", "cost_per_h", "marginal_per_mwh")
    rows = [
        [float(value) for value in row]
        for row in zip(shown.power_mw, shown.cost_per_h, shown.marginal_per_mwh, strict=True)
    ]
    if options.json:
        points = [dict(zip(names, row, strict=True)) for row in rows]
        print_lines([json.dumps(asked.head() | {"curve": points})])
    elif options.csv:
        _write_table(names, [[f"{value:.6f}" for value in row] for row in rows])
    else:
        print_lines([*cost_words.head_lines(asked), *cost_words.curve_lines(asked, whole, shown)])
    return 0


def _targets(asked: Question, wanted: Sequence[float], options: argparse.Namespace) -> int:
    met = [asked.meeting(target) for target in wanted]
    if options.json:
        answers = [asked.answer(one) | {"assets": _assets(asked, one)} for one in met]
        print_lines([json.dumps(asked.head() | {"targets": answers})])
    elif options.csv:
        rows = [asked.answer(one) for one in met]
        _write_table(list(rows[0]), [list(row.values()) for row in rows])
    else:
        lines = cost_words.one_lines(asked, met[0]) if len(met) == 1 else cost_words.many_lines(asked, met)
        print_lines([*cost_words.head_lines(asked), *lines])
    return 0 if all(cost_words.is_met(one) for one in met) else _NOT_MET


def _assets(asked: Question, met: Meeting) -> list[dict[str, object]]:
    return [
        {
            "asset": asset.name,
            "power_mw": float(met.power_mw[i]),
            "cost_per_h": float(met.cost_per_h[i]),
            "start_cost": float(met.starts[i]),
            "words": cost_words.asset_words(asked, met, i),
        }
        for i, asset in enumerate(asked.moment.site.fleet.assets)
    ]


def _write_table(names: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(names)
    table.writerows(rows)
    print_lines(text.getvalue().splitlines())
