"""Tables of cells from a file: comma-separated text, or the first sheet of an Excel workbook."""

from collections.abc import Iterator
from pathlib import Path

from vppscada.maps.cells import Line, table_lines
from vppscada.maps.places import read_text
from vppscada.maps.workbooks import WORKBOOK_SUFFIX, workbook_lines
from vppscada.model.errors import Fault


def read_table(file: Path, faults: list[Fault]) -> Iterator[Line]:
    """The lines of a file that are neither blank nor comments; broken ones become faults and are left out.

    Raises:
        ConfigError: the file cannot be read as what its name says that it is.
    """
    if file.suffix.lower() == WORKBOOK_SUFFIX:
        return iter(tuple(workbook_lines(file, faults)))
    return table_lines(file, read_text(file), faults)
