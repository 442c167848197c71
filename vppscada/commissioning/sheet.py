"""The record of a checkout on disk, a line for each entry, and the sheet made of it, as CSV and HTML."""

import csv
import io
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

import jinja2

from vppscada.commissioning.checkout import Entry, Verdict, is_complete, tally
from vppscada.model.errors import VppscadaError
from vppscada.model.points import Point

_COLUMNS = (
    "point",
    "description",
    "units",
    "device",
    "gateway",
    "quality",
    "ems",
    "verdict",
    "why",
    "by",
    "at",
    "note",
)
_TEMPLATE = Path(__file__).with_name("sheet.html")


class Record:
    """Entries in a file of JSON lines: each is on disk before the next point is asked about."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def entries(self) -> list[Entry]:
        """All of it, oldest first.

        Raises:
            VppscadaError: the file is damaged.
        """
        if not self._file.exists():
            return []
        found = []
        for number, line in enumerate(self._file.read_text(encoding="utf-8").splitlines(), start=1):
            try:
                cells = json.loads(line)
                found.append(Entry(**{**cells, "verdict": Verdict(cells["verdict"])}))
            except (ValueError, TypeError, KeyError) as error:
                raise VppscadaError(f"{self._file}:{number}: no entry of a checkout ({error})") from None
        return found

    def add(self, entry: Entry) -> None:
        """Append an entry and have it on disk."""
        with self._file.open("a", encoding="utf-8") as file:
            file.write(json.dumps(asdict(entry), ensure_ascii=False) + "\n")
            file.flush()
            os.fsync(file.fileno())


def csv_sheet(points: Sequence[Point], entries: Mapping[str, Entry]) -> str:
    """A line for every point, those that nobody has checked among them."""
    text = io.StringIO()
    writer = csv.DictWriter(text, _COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(_cells(point, entries.get(point.id)) for point in points)
    return text.getvalue()


def html_sheet(site: str, asset: str, points: Sequence[Point], entries: Mapping[str, Entry], now_ms: int) -> str:
    """The sheet to be printed and signed. It says so where it cannot be signed yet."""
    names = [point.id for point in points]
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined)
    return environment.from_string(_TEMPLATE.read_text(encoding="utf-8")).render(
        site=site,
        asset=asset,
        made=utc(now_ms),
        columns=_COLUMNS,
        rows=[_cells(point, entries.get(point.id)) for point in points],
        counts=tally(names, entries),
        complete=is_complete(names, entries),
        people=sorted({entry.by for entry in entries.values()}),
    )


def _cells(point: Point, entry: Entry | None) -> dict[str, str]:
    cells = dict.fromkeys(_COLUMNS, "") | {"point": point.id, "description": point.description, "units": point.units}
    if entry is None:
        return cells | {"verdict": "open"}
    told = {name: str(value) for name, value in asdict(entry).items() if name in _COLUMNS}
    return cells | told | {"at": utc(entry.at_ms)}


def utc(time_ms: int) -> str:
    """ISO 8601, seconds, UTC."""
    return datetime.fromtimestamp(time_ms / 1000.0, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
