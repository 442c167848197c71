"""``vppscada forecasts``: how fresh the series of a running station are, and how good its forecasts were."""

import argparse
import json
from collections.abc import Mapping
from typing import Any

from vppscada.admin.printing import print_lines
from vppscada.admin.station_client import StationClient
from vppscada.admin.station_commands import state_of


def forecasts(options: argparse.Namespace) -> int:
    """Print series and cards, as tables or as one JSON object a line."""
    with StationClient(state_of(options)) as station:
        pages = list(station.pages("forecasts"))
    series, cards = pages[0]["series"], [card for page in pages for card in page["cards"]]
    if options.json:
        print_lines([json.dumps(one) for one in [*series, *cards]] or ["{}"])
    else:
        print_lines([*_series_table(series), "", *_card_table(cards, float(pages[0]["past_days"]))])
    return 0


def _series_table(series: list[Mapping[str, Any]]) -> list[str]:
    if not series:
        return ["The site has no series."]
    lines = [f"{'SERIES':20} {'NOW':>12} {'AGE':>10} {'AHEAD':>10}  STATE"]
    for one in series:
        state = "stale" if one["stale"] else "fresh"
        state += ", with P10 and P90" if one["quantiles"] else ""
        age = "-" if one["age_s"] is None else f"{one['age_s']:.0f} s"
        lines.append(
            f"{one['series']:20} {_shown(one['value'], '.6g'):>12} {age:>10} {one['ahead_h']:>8.1f} h  {state}"
        )
    return lines


def _card_table(cards: list[Mapping[str, Any]], days: float) -> list[str]:
    learnt = f"The built-in forecast has learnt from {days:.1f} days."
    if not cards:
        return [learnt, "No forecast has been judged yet."]
    lines = [
        learnt,
        "Errors in % of the rating; skill: 1 = perfect, 0 = as good as persistence.",
        f"{'FORECAST':20} {'LEAD':>7} {'COUNT':>7} {'BIAS':>7} {'MAE':>7} {'RMSE':>7} {'SKILL':>7}  <P10   >P90",
    ]
    for one in cards:
        percent = 100.0 / one["rating_mw"]
        errors = " ".join(f"{one[key] * percent:7.2f}" for key in ("bias", "mae", "rmse"))
        shares = " ".join(f"{_shown(one[key], '.1%'):>6}" for key in ("below_p10", "above_p90"))
        head = f"{one['name']:20} {one['lead_h']:>5g} h {one['outturns']:>7}"
        lines.append(f"{head} {errors} {_shown(one['skill'], '.2f'):>7} {shares}")
    return lines


def _shown(value: float | None, form: str) -> str:
    return "-" if value is None else format(value, form)
