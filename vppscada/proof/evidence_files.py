"""The evidence laid out as files: CSV and JSON for machines, one HTML page for people. Pure but for the kept site."""

import csv
import io
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import jinja2
import numpy as np

from vppscada import __version__
from vppscada.maps.site_files import kept_site, mark_of, site_files
from vppscada.model.quality import Quality, quality_words
from vppscada.model.site import PLANT
from vppscada.plant.plans import KeptPlan
from vppscada.proof.charts import chart
from vppscada.proof.evidence import POWER, Evidence
from vppscada.proof.reports import report
from vppscada.proof.times import utc

_TEMPLATE = Path(__file__).with_name("evidence.html")


def files_of(evidence: Evidence) -> dict[str, bytes]:
    """Every file of the pack by name, without the manifest."""
    in_force, kept = _in_force(evidence)
    summary = _summary(evidence, in_force)
    files = {
        "signal.csv": _signal(evidence),
        "commands.csv": _commands(evidence),
        "responses.csv": _responses(evidence),
        "delivery.csv": _delivery(evidence),
        "baseline.csv": _baseline(evidence),
        "gaps.csv": _gaps(evidence),
        "schedule.csv": _schedule(evidence),
        "schedules.json": _json([_plan(at, plan) for at, plan in evidence.recorded.plans()]),
        "books.json": _json(_books(evidence)),
        "in_force.json": _json(in_force),
        "summary.json": _json(summary),
        "summary.html": _page(evidence, summary).encode(),
    }
    return {**files, **kept}


def _json(content: object) -> bytes:
    return json.dumps(_finite(content), indent=1, sort_keys=True, ensure_ascii=False, allow_nan=False).encode() + b"\n"


def _finite(content: object) -> object:
    """The same with null for what is not a number."""
    if isinstance(content, float):
        return content if math.isfinite(content) else None
    if isinstance(content, Mapping):
        return {key: _finite(value) for key, value in content.items()}
    if isinstance(content, list | tuple):
        return [_finite(value) for value in content]
    return content


def _csv(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([_cell(one) for one in row] for row in rows)
    return text.getvalue().encode()


def _cell(value: object) -> object:
    if isinstance(value, float | np.floating):
        return f"{value:.9g}" if math.isfinite(value) else ""
    return "" if value is None else value


def _signal(evidence: Evidence) -> bytes:
    """Orders as they came, and what the plant followed. What held at the begin has the time at which it began."""
    recorded, asked = evidence.recorded, evidence.asked
    orders = recorded.orders(asked.since_ms, asked.until_ms)
    rows: list[tuple[object, ...]] = [
        (utc(one.time_ms), "order", one.point, one.value, "", one.refused) for one in orders
    ]
    for when, changes in (("before", recorded.before), ("state", recorded.changes)):
        mine = (one for one in changes if one.point.startswith(f"{PLANT}.") and one.point != POWER)
        rows += [
            (utc(one.time_ms), when, one.point, one.value, quality_words(Quality(one.quality)), "") for one in mine
        ]
    rows.sort(key=lambda row: (str(row[0]), str(row[1]), str(row[2])))
    return _csv(("time", "kind", "point", "value", "quality", "refused"), rows)


def _commands(evidence: Evidence) -> bytes:
    columns = ("command", "time", "point", "value", "origin", "reason", "state", "detail")
    rows = (
        (one.id, utc(one.time_ms), one.point, one.value, str(one.origin), one.reason, one.state, one.detail)
        for one in evidence.recorded.commands
    )
    return _csv(columns, rows)


def _responses(evidence: Evidence) -> bytes:
    """Every recorded change of every measured point; what held at the begin comes first."""
    recorded = evidence.recorded
    before = sorted(recorded.before, key=lambda one: one.point)
    rows = (
        (
            utc(one.time_ms),
            one.point,
            one.value,
            _quality(one.quality),
            _source(one.source_time_ms),
            one.cause,
        )
        for one in (*before, *recorded.changes)
    )
    return _csv(("received", "point", "value", "quality", "source_time", "cause"), rows)


def _quality(bits: int) -> str:
    return quality_words(Quality(bits))


def _source(time_ms: int) -> str:
    return utc(time_ms) if time_ms else ""


_PARTS = (
    "called_mw",
    "measured_mw",
    "known_share",
    "booked_mw",
    "baseline_mw",
    "called_change_mw",
    "delivered_mw",
)


def _delivery(evidence: Evidence) -> bytes:
    delivery, recorded = evidence.delivery, evidence.recorded
    powers = [one.means(_edges(evidence))[0] for one in evidence.power.values()]
    rows = [
        (
            utc(begin),
            utc(recorded.wall_ms(begin)),
            hours,
            *(getattr(delivery, name)[i] for name in _PARTS),
            *(power[i] for power in powers),
        )
        for i, (begin, hours) in enumerate(zip(delivery.begin_ms, delivery.hours.tolist(), strict=True))
    ]
    return _csv(("plant_time", "time", "hours", *_PARTS, *(f"{name}_mw" for name in evidence.power)), rows)


def _edges(evidence: Evidence) -> list[int]:
    return [evidence.recorded.wall_ms(at) for at in evidence.delivery.begin_ms] + [evidence.asked.until_ms]


def _baseline(evidence: Evidence) -> bytes:
    """Mean power of the same hours of each day used, and the baseline made of it."""
    base, delivery = evidence.baseline, evidence.delivery
    rows = [
        (utc(begin), *(day.mean_mw[i] for day in base.used), base.mean_mw[i])
        for i, begin in enumerate(delivery.begin_ms)
    ]
    return _csv(("plant_time", *(f"{day.name}_mw" for day in base.used), "baseline_mw"), rows)


def _gaps(evidence: Evidence) -> bytes:
    rows = (
        (utc(gap.begin_ms), utc(gap.end_ms), (gap.end_ms - gap.begin_ms) / 1000.0, gap.what, gap.why)
        for gap in evidence.gaps
    )
    return _csv(("begin", "end", "seconds", "what", "why"), rows)


def _schedule(evidence: Evidence) -> bytes:
    """For each part of the time the schedule in force as it began: why it was made, and its power of each asset."""
    recorded, rows = evidence.recorded, []
    plans = recorded.plans()
    for begin in evidence.delivery.begin_ms:
        adopted = [one for one in plans if one[0] <= max(recorded.wall_ms(begin), evidence.asked.since_ms)]
        if not adopted:
            continue
        at, plan = adopted[-1]
        step = plan.step_at(begin)
        if step is None:
            continue
        told = plan.told
        head = (utc(begin), utc(at), told["why"], told["objective"], told["marginal_price_per_mwh"][step])
        for name, power, on in zip(plan.names, plan.power_mw[:, step].tolist(), plan.on[:, step].tolist(), strict=True):
            rows.append((*head, name, power, int(on)))
    columns = ("plant_time", "adopted", "why", "objective", "marginal_price_per_mwh", "asset", "power_mw", "on")
    return _csv(columns, rows)


def _plan(adopted_ms: int, plan: KeptPlan) -> dict[str, object]:
    """A schedule as it was adopted, with all its steps."""
    columns = zip(plan.names, plan.power_mw.tolist(), plan.on.astype(int).tolist(), strict=True)
    assets = {name: {"power_mw": power, "on": on} for name, power, on in columns}
    return {"adopted": utc(adopted_ms), **plan.told, "assets": assets}


def _books(evidence: Evidence) -> object:
    clock, asked = evidence.recorded.clock, evidence.asked
    begin, end = clock.plant_ms(asked.since_ms), clock.plant_ms(asked.until_ms)
    pages = evidence.pages
    since = min([begin, *(page.begin_ms for page in pages)])
    return report(pages, since, max([end, *(page.end_ms for page in pages)])).as_dict()


def _in_force(evidence: Evidence) -> tuple[dict[str, object], dict[str, bytes]]:
    """What software and site ran, and the files of those sites as they were kept."""
    files: dict[str, bytes] = {}
    until_ms, runs, doubts = evidence.asked.until_ms, [], []
    for run in evidence.recorded.runs:
        goes_on = run.alive_ms >= until_ms
        end = "goes on" if goes_on else "as told" if run.ended else "without being told to"
        told = {"since": utc(run.since_ms), "until": None if goes_on else utc(run.alive_ms), "end": end}
        runs.append({**told, "version": run.version, "site": run.site, "settings": run.settings})
        try:
            named = kept_site(run.site, evidence.state)
        except (OSError, ValueError) as error:
            doubts.append(f"the site {run.site[:12]} is not there any more: {error}")
            continue
        files |= {f"site/{run.site[:12]}/{name}": content for name, content in named.items()}
    asked_with = mark_of(site_files(evidence.site.file))
    if asked_with not in {run.site for run in evidence.recorded.runs}:
        doubts.append("the site file that this pack was made with is not one that was in force")
    clock = evidence.recorded.clock
    times = {"wall_start_ms": clock.wall_start_ms, "plant_start_ms": clock.plant_start_ms, "speed": clock.speed}
    told_of = {"runs": runs, "clock": times, "made_with_version": __version__, "made_with_site": asked_with}
    return {**told_of, "doubts": doubts}, files


def _summary(evidence: Evidence, in_force: Mapping[str, Any]) -> dict[str, Any]:
    asked, base, recorded = evidence.asked, evidence.baseline, evidence.recorded
    states: dict[str, int] = {}
    for one in recorded.commands:
        states[one.state] = states.get(one.state, 0) + 1
    orders = recorded.orders(asked.since_ms, asked.until_ms)
    return {
        "site": evidence.site.plant.name,
        "begin": utc(asked.since_ms),
        "end": utc(asked.until_ms),
        "plant_begin": utc(recorded.clock.plant_ms(asked.since_ms)),
        "plant_end": utc(recorded.clock.plant_ms(asked.until_ms)),
        "method": (
            "Powers are means over each part from the recorded changes: a value holds until the next change, which is"
            " recorded beyond the point's deadband. What is not of good quality is not known and in no mean."
        ),
        "baseline": {
            "method": str(base.method),
            "formula": base.formula,
            "days": [day.name for day in base.used],
            "left_out": [{"day": day, "why": why} for day, why in base.left_out],
        },
        "energy": evidence.delivery.sums,
        "orders": {
            "taken": sum(not one.refused for one in orders),
            "refused": sum(bool(one.refused) for one in orders),
        },
        "commands": dict(sorted(states.items())),
        "gaps": [
            {"begin": utc(gap.begin_ms), "end": utc(gap.end_ms), "what": gap.what, "why": gap.why}
            for gap in evidence.gaps
        ],
        "doubts": in_force["doubts"],
    }


def _page(evidence: Evidence, summary: Mapping[str, Any]) -> str:
    """The summary for people, without anything from elsewhere."""
    delivery = evidence.delivery
    lines = {"called": delivery.called_mw, "measured": delivery.measured_mw, "baseline": delivery.baseline_mw}
    rows = [
        {"begin": utc(begin), **{name: _cell(getattr(delivery, name)[i]) for name in _PARTS}}
        for i, begin in enumerate(delivery.begin_ms)
    ]
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined)
    page: str = environment.from_string(_TEMPLATE.read_text(encoding="utf-8")).render(
        told=summary, columns=_PARTS, rows=rows, chart=chart(lines, delivery.hours), runs=_in_force(evidence)[0]["runs"]
    )
    return page
