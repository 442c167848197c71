"""A proposal as a sheet that can be written, and what it would change in a map that is there."""

import difflib
from collections.abc import Iterator

from vppscada.maps.columns import all_columns
from vppscada.maps.sheets import Sheet, csv_text
from vppscada.model.drivers import Driver
from vppscada.model.proposals import MapProposal

#: The columns of the address stand behind this one.
_BEFORE_ADDRESS = "role"


def proposal_sheet(proposal: MapProposal, driver: Driver) -> Sheet:
    """The proposal with its notes, the header and a row for each line. Optional columns only where they are used."""
    used = {column for line in proposal.lines for column, text in line.items() if text}
    columns = [column.name for column in all_columns(driver) if column.required or column.name in used]
    address = [name for name in columns if name in driver.address_columns]
    general = [name for name in columns if name not in driver.address_columns]
    at = general.index(_BEFORE_ADDRESS) + 1
    header = (*general[:at], *address, *general[at:])
    rows = (tuple(" ".join(line.get(name, "").split()) for name in header) for line in proposal.lines)
    return Sheet((*((f"# {note}",) for note in proposal.notes), header, *rows))


def differences(before: Sheet, after: Sheet, before_name: str, after_name: str) -> Iterator[str]:
    """The two as a unified diff of their lines, the columns of both in one order. Empty where nothing differs."""
    order = after.header[1]
    return difflib.unified_diff(
        csv_text(_ordered(before, order)).splitlines(),
        csv_text(after).splitlines(),
        before_name,
        after_name,
        lineterm="",
        n=1,
    )


def _ordered(sheet: Sheet, order: tuple[str, ...]) -> Sheet:
    """The sheet with its columns in an order, those that are not in it behind."""
    at, header = sheet.header
    new = (*order, *(name for name in header if name not in order))
    places = [header.index(name) if name in header else None for name in new]

    def moved(row: tuple[str, ...]) -> tuple[str, ...]:
        if len(row) != len(header):
            return row
        return tuple("" if place is None else row[place] for place in places)

    return Sheet((*sheet.rows[:at], new, *map(moved, sheet.rows[at + 1 :])))
