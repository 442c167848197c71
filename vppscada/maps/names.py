"""Names in a site file, and references from one table to another."""

import re
from collections.abc import Iterable, Sequence

from vppscada.maps.document import Table
from vppscada.maps.fields import Fields, Unfit
from vppscada.maps.words import one_of, quoted
from vppscada.model.errors import Fault

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,63}", re.ASCII)


def name(value: object) -> str:
    """A name: letters, digits, _ and -, beginning with a letter."""
    if isinstance(value, str) and _NAME.fullmatch(value):
        return value
    raise Unfit("a name of letters, digits, _ and - that begins with a letter")


def unique_names(tables: Sequence[Table], faults: list[Fault]) -> list[str]:
    """The names of an array's tables; each a second time is a fault."""
    first: dict[str, Table] = {}
    for table in tables:
        if table.name and first.setdefault(table.name, table) is not table:
            line = first[table.name].place("name").line
            faults.append(
                table.fault("name", f"name {quoted(table.name)} a second time (line {line})", "a name of its own")
            )
    return list(first)


def check_reference(fields: Fields, key: str, what: str, names: Iterable[str], faults: list[Fault]) -> None:
    """The value of a key is a name that exists; blank is no reference."""
    wanted = fields.values.get(key)
    known = [one for one in names if one]
    if wanted and wanted not in known:
        faults.append(
            fields.table.fault(key, f"{key} {quoted(wanted)}, which is no {what} of this site", one_of(wanted, known))
        )
