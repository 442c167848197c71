"""A corpus of broken maps and site files, each with every message that its engineer gets, letter by letter.

``NAME.expected`` beside a map (``modbus_…``, ``dnp3_…``, ``opcua_…``) or a site (``site_….toml``) holds its faults in
their order, each as ``file:line:column: found; expected what would be right``.
"""

from pathlib import Path

import pytest

from vppscada.maps import load_site
from vppscada.maps.csv_map import read_device_map
from vppscada.maps.places import sorted_faults
from vppscada.model.errors import ConfigError, Fault
from vppscada.station.drivers import DRIVERS

CORPUS = Path(__file__).parents[2] / "data" / "broken_maps"
#: What the sites name: maps and data, good ones and such as are broken only together with a site.
HELPERS = ("ems_", "load_", "modbus_good", "dnp3_good", "opcua_good")
CASES = sorted(path.with_suffix("") for path in CORPUS.glob("*.expected"))


def faults_of(file: Path) -> list[Fault]:
    """Every fault of a map, or of a site and all that it names."""
    if file.suffix == ".toml":
        try:
            load_site(file, DRIVERS)
        except ConfigError as error:
            return list(error.faults)
        return []
    faults: list[Fault] = []
    read_device_map(file, DRIVERS[file.name.partition("_")[0]], faults)
    return sorted_faults(faults)


def told(file: Path) -> str:
    return "".join(f"{fault}\n".replace(f"{CORPUS}/", "") for fault in faults_of(file))


@pytest.mark.parametrize("case", CASES, ids=lambda case: str(case.name))
def test_every_fault_is_told_at_its_place_and_in_these_words(case: Path) -> None:
    expected = case.with_name(f"{case.name}.expected").read_text(encoding="utf-8")
    assert expected
    assert told(case) == expected


def test_the_corpus_is_whole() -> None:
    inputs = {path.name for path in CORPUS.iterdir() if path.suffix != ".expected"}
    helpers = {path.name for path in CORPUS.iterdir() if path.name.startswith(HELPERS)}
    assert {case.name for case in CASES} == inputs - helpers - {"README.md"}
    assert len(CASES) >= 200


def test_a_huge_map_with_a_fault_in_each_line_is_told_in_full(tmp_path: Path) -> None:
    good = (CORPUS / "modbus_good.csv").read_text(encoding="utf-8").splitlines()
    lines = [good[0]] + [good[2].replace("frequency,", f"p{n},", 1).replace("0.01", "x", 1) for n in range(20_000)]
    file = tmp_path / "modbus_huge.csv"
    file.write_text("\n".join(lines), encoding="utf-8")
    assert sum("scale 'x'" in fault.found for fault in faults_of(file)) == 20_000
