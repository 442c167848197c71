"""What the commands at an engineer's desk do: read, watch, operate, checkout."""

import argparse
import asyncio
import csv
import getpass
import json
import os
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from vppscada.admin import at_station
from vppscada.admin.loading import load
from vppscada.commissioning.checkout import Entry, Verdict, is_complete, judge, latest, tally
from vppscada.commissioning.field_desk import FieldDesk, open_desk, rows_of, sessions_of
from vppscada.commissioning.sheet import Record, csv_sheet, html_sheet
from vppscada.commissioning.values import PointValue
from vppscada.control.gate import Refused
from vppscada.model.commands import Accepted, CommandResult, NotSent, Rejected, Verification
from vppscada.model.errors import VppscadaError
from vppscada.model.points import Point, PointKind
from vppscada.model.site import Site
from vppscada.station.drivers import DRIVERS
from vppscada.station.logs import configure_logs
from vppscada.station.runtime import run as run_loop

_FEEDBACK_S = 10.0
_SETTLE_S = 1.5
_PLAIN_WIDTH = 200  # of a table that goes into a file or another program


def read(options: argparse.Namespace) -> int:
    """Read points off the devices, or off the station that has them; 0 if every one is good."""
    if at_station.is_running(state_of(options)):
        return at_station.read(state_of(options), options)

    async def main(site: Site, rows: Sequence[int]) -> int:
        async with open_desk(site, state_of(options), DRIVERS) as desk:
            await _begin(desk, site, rows, options.wait)
            values = desk.read(rows)
        _show(values, as_json=options.json)
        return 0 if all(value.is_good for value in values) else 1

    return _at_desk(options, options.points, main)


def watch(options: argparse.Namespace) -> int:
    """Print points as they change until interrupted, or for so long."""
    if at_station.is_running(state_of(options)):
        return at_station.watch(state_of(options), options)

    async def main(site: Site, rows: Sequence[int]) -> int:
        wanted = set(rows)
        async with open_desk(site, state_of(options), DRIVERS) as desk:
            await _begin(desk, site, rows, options.wait)
            _show(desk.read(rows), as_json=options.json)
            try:
                async with asyncio.timeout(options.duration):
                    async for changes in desk.changes():
                        changed = [row for row in dict.fromkeys(changes.rows.tolist()) if row in wanted]
                        _show_lines(desk.read(changed), as_json=options.json)
            except TimeoutError:
                pass
        return 0

    return _at_desk(options, options.points, main)


def operate(options: argparse.Namespace) -> int:
    """Send one command and tell what became of it; 0 only if the device took it."""

    async def main(site: Site, rows: Sequence[int]) -> int:
        [row] = rows
        point = site.points[row]
        value = _value_of(point, options.value)
        if not options.yes and not _agreed(f"Command {point.id} to {options.value} {point.units}"):
            sys.stdout.write("nothing was sent\n")
            return 1
        if at_station.is_running(state_of(options)):
            return await asyncio.to_thread(at_station.operate, state_of(options), point, value, _who(options))
        async with open_desk(site, state_of(options), DRIVERS) as desk:
            wrong = await _begin(desk, site, rows, options.wait)
            if wrong:
                return 1
            result = await desk.operate(row, value, f"commissioning by {_who(options)}")
            sys.stdout.write(f"{_told(result)}\n")
            if isinstance(result, Accepted) and point.feedback:
                verification = await desk.verified(row, _FEEDBACK_S)
                [feedback] = desk.read([site.row_of[point.feedback]])
                sys.stdout.write(f"{_effect(verification, feedback)}\n")
        return 0 if isinstance(result, Accepted) else 1

    return _at_desk(options, [options.point], main)


def checkout(options: argparse.Namespace) -> int:
    """Step through an asset's points; 0 once every one has passed or was left out on purpose."""
    answers = _answers(options.answers) if options.answers else None

    async def main(site: Site, rows: Sequence[int]) -> int:
        points = [site.points[row] for row in rows if site.points[row].enabled and not site.points[row].kind.is_output]
        exported = {export.source_row for spec in site.ems for export in spec.exports}
        options.output.mkdir(parents=True, exist_ok=True)
        record = Record(options.output / f"checkout-{options.asset}.jsonl")
        async with open_desk(site, state_of(options), DRIVERS) as desk:
            await _begin(desk, site, rows, options.wait)
            for point in points:
                done = latest(record.entries()).get(point.id)
                if done is not None and done.verdict in (Verdict.PASSED, Verdict.SKIPPED) and not options.again:
                    continue
                if answers is not None and point.id not in answers:
                    continue
                row = site.row_of[point.id]
                entry = await _check(desk, row, _who(options), exported=row in exported, answers=answers)
                if entry is None:
                    break
                record.add(entry)
        return _finish(site, options, points, latest(record.entries()))

    return _at_desk(options, [options.asset], main)


async def _check(
    desk: FieldDesk, row: int, who: str, *, exported: bool, answers: Mapping[str, Mapping[str, str]] | None
) -> Entry | None:
    """Ask about one point; None if whoever checks wants to stop."""
    point = desk.site.points[row]
    if answers is None:
        told = await asyncio.to_thread(_ask, desk.read([row])[0], exported)
    else:
        told = dict(answers[point.id])
    if told is None:
        return None
    [gateway] = desk.read([row])  # as it is when the others have been read, not when the question was put
    device, ems, note = told.get("device", ""), told.get("ems", ""), told.get("note", "")
    verdict, why = judge(point, device, gateway, ems, exported=exported)
    if device == "skip":
        verdict, why, device = Verdict.SKIPPED, "left out on purpose", ""
    now_ms = time.time_ns() // 1_000_000
    shown = gateway.shown()
    return Entry(point.id, device, shown, gateway.quality_words(), ems, verdict, why, who, now_ms, note)


def _ask(gateway: PointValue, exported: bool) -> dict[str, str] | None:
    point = gateway.point
    sys.stdout.write(f"\n{point.id}  {point.description}\n  gateway: {gateway.shown()} {point.units}")
    sys.stdout.write(f"  [{gateway.quality_words()}]  {gateway.time()}\n")
    device = input("  device shows (skip leaves it out, stop ends for now): ").strip()
    if device == "stop":
        return None
    ems = input("  EMS shows: ").strip() if exported and device != "skip" else ""
    return {"device": device, "ems": ems, "note": input("  note: ").strip()}


def _finish(site: Site, options: argparse.Namespace, points: Sequence[Point], entries: Mapping[str, Entry]) -> int:
    stem = f"checkout-{options.asset}"
    (options.output / f"{stem}.csv").write_text(csv_sheet(points, entries), encoding="utf-8")
    html = html_sheet(site.plant.name, options.asset, points, entries, time.time_ns() // 1_000_000)
    (options.output / f"{stem}.html").write_text(html, encoding="utf-8")
    names = [point.id for point in points]
    counts = ", ".join(f"{count} {verdict}" for verdict, count in tally(names, entries).items())
    sys.stdout.write(f"{counts}; {options.output / stem}.html and .csv\n")
    return 0 if is_complete(names, entries) else 1


def _answers(file: Path) -> dict[str, dict[str, str]]:
    """What was read beforehand: a CSV file with the columns point, device and, if wanted, ems and note.

    Raises:
        VppscadaError: it has no such columns.
    """
    with file.open(encoding="utf-8-sig", newline="") as lines:
        reader = csv.DictReader(lines)
        columns = set(reader.fieldnames or ())
        if not {"point", "device"} <= columns or columns - {"point", "device", "ems", "note"}:
            raise VppscadaError(f"{file}: expected the columns point and device, and perhaps ems and note")
        return {row["point"]: {name: text or "" for name, text in row.items()} for row in reader}


def _at_desk(options: argparse.Namespace, names: Sequence[str], main: object) -> int:
    configure_logs(options.log_level)
    site = load(options)
    rows = rows_of(site, names)
    result: int = run_loop(main(site, rows))  # type: ignore[operator]  # one of the coroutines above
    return result


async def _begin(desk: FieldDesk, site: Site, rows: Sequence[int], wait_s: float) -> dict[str, str]:
    """Run the sessions that are needed; say which of them are not up in time."""
    desk.begin(sessions_of(site, rows))
    wrong = await desk.ready(wait_s)
    for name, reason in wrong.items():
        sys.stderr.write(f"session {name} is not up: {reason}\n")
    if not wrong:
        await asyncio.sleep(min(_SETTLE_S, wait_s))  # some protocols bring the first values just after they are up
    return wrong


def state_of(options: argparse.Namespace) -> Path:
    """Where the journal is kept."""
    state: Path = options.state or Path(os.environ.get("STATE_DIRECTORY", "") or "state")
    return state


def _who(options: argparse.Namespace) -> str:
    return str(options.by or getpass.getuser())


def _value_of(point: Point, text: str) -> float:
    """A number, or the name of a state.

    Raises:
        VppscadaError: it is neither.
    """
    for number, name in enumerate(point.state_names):
        if text.casefold() == name.casefold():
            return float(number)
    if point.kind is PointKind.BINARY_OUTPUT and text.casefold() in ("on", "off"):
        return float(text.casefold() == "on")
    try:
        return float(text)
    except ValueError:
        states = f", or one of {', '.join(point.state_names)}" if point.state_names else ""
        raise VppscadaError(f"{text!r} is no value for {point.id}: expected a number{states}") from None


def _agreed(question: str) -> bool:
    if not sys.stdin.isatty():
        raise VppscadaError("operate asks before it sends; without a terminal, --yes says that you mean it")
    return input(f"{question}? Type yes to send it: ").strip() == "yes"


def _told(result: CommandResult | Refused) -> str:
    match result:
        case Accepted():
            return "the device took the command"
        case Rejected(status=status, detail=detail):
            return f"the device refused: {status.name}{f' ({detail})' if detail else ''}"
        case NotSent(reason=reason):
            return f"nothing was sent: {reason}"
        case Refused(reason=reason, words=words):
            return f"nothing was sent: {words} ({reason})"
        case _:
            return f"unknown: {result.reason}; it is not repeated, look at the device"


def _effect(verification: Verification, feedback: PointValue) -> str:
    shown = f"{feedback.point.id} is {feedback.shown()} {feedback.point.units} [{feedback.quality_words()}]"
    if verification.echoed is not None:
        return f"the feedback shows it: {shown}"
    return f"the feedback does not show it yet: {shown}"


def _show(values: Sequence[PointValue], *, as_json: bool) -> None:
    if as_json:
        _show_lines(values, as_json=True)
        return
    table = Table()
    for column in ("point", "value", "units", "quality", "time"):
        table.add_column(column, justify="right" if column == "value" else "left", no_wrap=True)
    for one in values:
        style = "" if one.is_good else "bold red"
        table.add_row(one.point.id, one.shown(), one.point.units, one.quality_words(), one.time(), style=style)
    Console(width=None if sys.stdout.isatty() else _PLAIN_WIDTH).print(table)


def _show_lines(values: Sequence[PointValue], *, as_json: bool) -> None:
    for one in values:
        cells = {
            "point": one.point.id,
            "value": one.shown(),
            "units": one.point.units,
            "quality": one.quality_words(),
            "time": one.time(),
        }
        line = json.dumps(cells, ensure_ascii=False) if as_json else "  ".join(filter(None, cells.values()))
        sys.stdout.write(f"{line}\n")
    sys.stdout.flush()
