"""What the commands below ``vppscada map`` do, given their options."""

import argparse
import sys
from datetime import date
from pathlib import Path

from vppscada.maps import find_site, load_site
from vppscada.maps.columns import all_columns
from vppscada.maps.csv_map import read_device_map, read_export_map
from vppscada.maps.locate import find_map
from vppscada.maps.sheets import Sheet, csv_text, read_sheet, write_workbook
from vppscada.maps.words import one_of
from vppscada.maps.workbooks import WORKBOOK_SUFFIX
from vppscada.model.drivers import Driver
from vppscada.model.errors import ConfigError, Fault, VppscadaError
from vppscada.model.points import RowPoint
from vppscada.station.drivers import DOCUMENTS, DRIVERS


def export(options: argparse.Namespace) -> int:
    """Write a map in the other form, workbook or CSV; faults leave as ConfigError and nothing is written."""
    source = map_file(options.map)
    sheet = read_sheet(source)
    driver = _driver(source, options.protocol)
    _check(source, sheet, driver)
    write_sheet(sheet, driver, options.output, force=options.force)
    sys.stdout.write(f"{options.output}: {len(sheet.rows)} rows of {source}\n")
    return 0


def write_sheet(sheet: Sheet, driver: Driver | None, target: Path, *, force: bool) -> None:
    """Write a map in the form that the target's name tells.

    Raises:
        VppscadaError: the name tells none, or the file exists and is not to be replaced.
        ConfigError: a cell is longer than a workbook can hold.
    """
    suffix = target.suffix.lower()
    if suffix not in (WORKBOOK_SUFFIX, ".csv"):
        raise VppscadaError(f"{target}: expected a file name that ends in .xlsx or .csv")
    if target.exists() and not force:
        raise VppscadaError(f"{target} exists already; --force replaces it")
    if suffix == WORKBOOK_SUFFIX:
        write_workbook(sheet, all_columns(driver), target)
    else:
        target.write_text(csv_text(sheet), encoding="utf-8")


def profile(options: argparse.Namespace) -> int:
    """Write the device profile and the point lists of a site's outstations into a folder."""
    site = load_site(find_site(options.site), DRIVERS)
    wanted = [spec for spec in site.ems if spec.protocol in DOCUMENTS and options.ems in ("", spec.name)]
    if not wanted:
        names = [spec.name for spec in site.ems if spec.protocol in DOCUMENTS]
        raise VppscadaError(
            f"no ems {options.ems!r} in {site.file} with a device profile: {one_of(options.ems, names)}"
        )
    options.output.mkdir(parents=True, exist_ok=True)
    for spec in wanted:
        points = [RowPoint(row, export.point) for row, export in enumerate(spec.exports)]
        for name, text in DOCUMENTS[spec.protocol](spec.name, spec.settings, points, date.today()).items():
            (options.output / name).write_text(text, encoding="utf-8")
            sys.stdout.write(f"{options.output / name}\n")
    return 0


def map_file(argument: str) -> Path:
    """A file, or the name of a shipped map.

    Raises:
        VppscadaError: there is none.
    """
    found = find_map(argument, Path.cwd() / "site.toml")
    if found is None:
        raise VppscadaError(f"no map {argument!r}: expected a file, or the name of a shipped map")
    return found


def _driver(file: Path, protocol: str) -> Driver | None:
    """By the word, else by the first word of the file's name; None for the plant's own points, without addresses."""
    word = protocol or file.stem.partition("_")[0]
    if not protocol and file.stem == "plant":
        return None
    if word not in DRIVERS:
        raise VppscadaError(f"{file}: of which protocol? expected --protocol {one_of(word, DRIVERS)}")
    return DRIVERS[word]


def _check(file: Path, sheet: Sheet, driver: Driver | None) -> None:
    faults: list[Fault] = []
    if driver is not None and _is_of_exports(sheet):
        read_export_map(file, driver, faults)
    else:
        read_device_map(file, driver, faults)
    if faults:
        raise ConfigError(faults)


def _is_of_exports(sheet: Sheet) -> bool:
    """True where points are named by their full ids: the map of an EMS."""
    at, header = sheet.header
    column = header.index("point") if "point" in header else 0
    return any("." in row[column] for row in sheet.rows[at + 1 :] if len(row) == len(header))
