"""Write a shipped map to standard output: ``python -m protocols.modbus.sunspec inverter_701``."""

import csv
import sys
from typing import TextIO

from protocols.modbus.sunspec.lines import COLUMNS, lines
from protocols.modbus.sunspec.models import chain
from protocols.modbus.sunspec.shipped import MAPS, DeviceMap


def write(device: DeviceMap, out: TextIO) -> None:
    """Write a map as CSV."""
    for note in device.notes:
        out.write(f"# {note}\n")
    writer = csv.DictWriter(out, COLUMNS, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(lines(device.roles, chain(device.models, device.exponents)))


if __name__ == "__main__":
    write(MAPS[sys.argv[1]], sys.stdout)
