"""What ``vppscada books`` does: the books of a station that runs or ran, from its state directory."""

import argparse
import asyncio
import csv
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, TextIO

from vppscada.admin.loading import load
from vppscada.admin.station_commands import state_of
from vppscada.model.errors import VppscadaError
from vppscada.model.schedule import Schedule
from vppscada.model.site import Site
from vppscada.plant.pages import REALISED, Page, from_bytes
from vppscada.points.journal import JournalReader
from vppscada.proof.foresight import comparison, longest_stretch, request_of
from vppscada.proof.reports import KINDS, Report, by_day, day_name, report, rounded
from vppscada.proof.times import DAY_MS, day_ms, moment_ms
from vppscada.scheduling.worker import SolverWorker
from vppscada.station.logs import configure_logs

_DEADLINE_MARGIN_S = 10.0
#: Lines of the table for people: figure, its words, its units.
_LINES = (
    ("known_h", "known", "h"),
    ("unknown_h", "unknown", "h"),
    ("out_mwh", "energy out", "MWh"),
    ("in_mwh", "energy in", "MWh"),
    ("cost", "cost", "money"),
    ("fuel_cost", "  fuel", "money"),
    ("start_cost", "  starts", "money"),
    ("running_cost", "  running hours", "money"),
    ("variable_cost", "  energy and wear", "money"),
    ("revenue", "revenue", "money"),
    ("starts", "starts", ""),
    ("run_h", "run hours", "h"),
    ("non_emergency_h", "  without an emergency", "h"),
    ("stored_mwh", "into stores", "MWh"),
    ("cycles", "cycles", ""),
    ("emissions_t", "emissions", "t"),
    ("curtailed_mwh", "curtailed", "MWh"),
    ("unserved_mwh", "unserved", "MWh"),
    ("error_mean_mw", "mean error", "MW"),
    ("error_rms_mw", "RMS error", "MW"),
    ("error_max_mw", "greatest error", "MW"),
    ("on_target_share", "within 1 % of rating", ""),
)


def books(options: argparse.Namespace) -> int:
    """Print the books; 0, or 1 where there are none of that time."""
    configure_logs("warning")  # standard output is for the books
    site = load(options)
    names = [asset.name for asset in site.fleet.assets]
    unknown = [name for name in options.asset if name not in names]
    if unknown:
        raise VppscadaError(f"no asset {', '.join(unknown)}; the site has {', '.join(names)}")
    pages, since_ms, until_ms = _pages(options)
    days = by_day(pages, since_ms, until_ms)
    reports = [(day_name(at), _day(site, at, end, mine, options)) for at, end, mine in days]
    if options.json:
        whole = report(pages, since_ms, until_ms, options.asset)
        told: dict[str, object] = {"site": site.plant.name, "currency": site.plant.currency, "total": whole.as_dict()}
        told["days"] = [{"day": day, **one.as_dict()} for day, one in reports]
        sys.stdout.write(json.dumps(told, allow_nan=False) + "\n")
    elif options.csv:
        _write_csv(sys.stdout, reports)
    else:
        for day, one in reports:
            _write_table(sys.stdout, site, day, one)
    return 0 if pages else 1


def _pages(options: argparse.Namespace) -> tuple[list[Page], int, int]:
    """The pages that are asked for, and their time: a day, a time, or the newest day of which there is any."""
    if options.day and (options.since or options.until):
        raise VppscadaError("--day does not go with --from and --to")
    reader = JournalReader(state_of(options))
    if options.since or options.until:
        if not (options.since and options.until):
            raise VppscadaError("--from and --to go together")
        since_ms, until_ms = moment_ms(options.since), moment_ms(options.until)
        if since_ms >= until_ms:
            raise VppscadaError("--to is not after --from")
        pages = _read(reader, since_ms - DAY_MS, until_ms + DAY_MS)
        since_ms, until_ms = rounded(since_ms, until_ms, pages)
    else:
        since_ms = day_ms(options.day) if options.day else _newest_day(reader)
        until_ms = since_ms + DAY_MS
        pages = _read(reader, since_ms, until_ms)
    return [page for page in pages if since_ms <= page.interval_ms < until_ms], since_ms, until_ms


def _read(reader: JournalReader, since_ms: int, until_ms: int) -> list[Page]:
    try:
        return [from_bytes(one.content) for one in reader.proof("book", since_ms, until_ms)]
    except (ValueError, KeyError) as error:
        raise VppscadaError(f"a page of the books cannot be read: {error}") from None


def _newest_day(reader: JournalReader) -> int:
    newest = reader.newest_proof("book")
    if newest is None:
        raise VppscadaError("no books: no station that keeps them has run with this state directory")
    return newest // DAY_MS * DAY_MS


def _day(site: Site, at: int, end: int, pages: Sequence[Page], options: argparse.Namespace) -> Report:
    found = report(pages, at, end, options.asset)
    return replace(found, more={**found.more, "foresight": _foreseen(site, pages)}) if options.foresight else found


def _foreseen(site: Site, pages: Sequence[Page]) -> Mapping[str, object]:
    stretch = longest_stretch(pages, site.fleet)
    if stretch is None:
        return {"status": "no interval is whole and of this fleet"}
    asked, doubts = request_of(stretch, site.fleet, site.schedule)

    async def solve() -> object:
        worker = SolverWorker()
        try:
            return await worker.solve(asked, asked.time_limit_s + _DEADLINE_MARGIN_S)
        finally:
            await worker.close()

    plan = asyncio.run(solve())
    if not isinstance(plan, Schedule):
        return {"status": f"not solved: {plan}"}
    return comparison(stretch, asked, plan, doubts)


# for people and spreadsheets


def _write_csv(out: TextIO, reports: Sequence[tuple[str, Report]]) -> None:
    """A line for each day, asset (or the plant) and kind of account."""
    lines = []
    for day, one in reports:
        for kind in KINDS:
            named = [("plant", one.plant), *one.assets.items()]
            lines += [(day, name, kind, figures[kind]) for name, figures in named if kind in figures]
    columns = dict.fromkeys(key for *_, figures in lines for key in figures)
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["day", "asset", "kind", *columns])
    for day, name, kind, figures in lines:
        cells = [figures.get(key) for key in columns]
        writer.writerow([day, name, kind, *("" if cell is None else f"{cell:.9g}" for cell in cells)])


def _write_table(out: TextIO, site: Site, day: str, one: Report) -> None:
    out.write(f"{site.plant.name}, {day}: {one.covered_h:.2f} h in the books\n")
    for gap in one.gaps:
        out.write(f"  nothing is known from {gap.begin} to {gap.end} ({gap.hours:.2f} h)\n")
    for name, kinds in [("plant", one.plant), *one.assets.items()]:
        _write_part(out, name, kinds, site.plant.currency)
    effect = one.more.get("shadow_effect")
    if isinstance(effect, Mapping):
        out.write("\n  shadow less realised\n")
        told = ((name, value) for name, value in effect.items() if value is not None)
        out.write("".join(f"    {name:22}{value:16.3f}\n" for name, value in told))
    foreseen = one.more.get("foresight")
    if isinstance(foreseen, Mapping):
        _write_foresight(out, foreseen, site.plant.currency)


def _write_part(out: TextIO, name: str, kinds: Mapping[str, Any], currency: str) -> None:
    here = [kind for kind in KINDS if kind in kinds]
    out.write(f"\n  {name:24}{''.join(f'{kind:>16}' for kind in here)}\n")
    for key, words, units in _LINES:
        cells = [kinds[kind].get(key) for kind in here]
        if key not in kinds.get(REALISED, {}) or not any(cells):
            continue
        shown = "".join(f"{'-' if cell is None else f'{cell:.3f}':>16}" for cell in cells)
        out.write(f"    {words:22}{shown} {currency if units == 'money' else units}\n")


def _write_foresight(out: TextIO, told: Mapping[str, Any], currency: str) -> None:
    out.write(f"\n  perfect foresight: {told['status']}\n")
    if "foresight" not in told:
        return
    out.write(f"    {told['begin']} to {told['end']}, {told['intervals']} intervals\n")
    for key, units in (("cost", currency), ("revenue", currency), ("net_cost", currency), ("unserved_mwh", "MWh")):
        out.write(f"    {key:22}{told['realised'][key]:16.3f}{told['foresight'][key]:16.3f} {units}\n")
    out.write("".join(f"    {doubt}\n" for doubt in told["doubts"]))
