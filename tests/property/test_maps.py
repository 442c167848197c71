"""Whatever is done to a map or a site file: it loads, or its faults are told with places that exist."""

import tempfile
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protocols.dnp3 import DRIVER as DNP3
from protocols.modbus import DRIVER as MODBUS
from protocols.opcua import DRIVER as OPCUA
from tests.unit.maps.fakes import (
    BATTERY_LINES,
    DRIVERS,
    ENGINE_LINES,
    EXPORT_LINES,
    LOAD,
    SITE,
    Files,
    map_text,
    small_site,
)
from vppscada.maps import load_site, summarise
from vppscada.maps.csv_map import read_device_map
from vppscada.maps.locate import shipped
from vppscada.maps.toml_positions import KeyPath, key_positions
from vppscada.model.drivers import Driver
from vppscada.model.errors import ConfigError, Fault

TEXTS = {
    "site.toml": SITE,
    "fake_battery.csv": map_text(BATTERY_LINES),
    "fake_engine.csv": map_text(ENGINE_LINES),
    "ems.csv": map_text(EXPORT_LINES),
    "load.csv": LOAD,
}
TROUBLE = (
    '; 0; -0; -1; 1e999; 1e-320; nan; inf; yes; no; "; ""; a|b; %; W; kWh; ٣; ²; #; \x00; latch; pulse 1; trip_close 0;'
    "4294967296; analog_output; setpoint; plant.target"
)
#: Cells that have been trouble somewhere, and anything at all.
CELLS = st.one_of(st.sampled_from([cell.strip() for cell in TROUBLE.split(";")]), st.text(max_size=12))


@pytest.fixture(scope="module")
def files() -> Iterator[Files]:
    with tempfile.TemporaryDirectory() as folder:
        yield small_site(Path(folder))


def loads_or_tells(files: Files) -> None:
    try:
        site = load_site(files.folder / "site.toml", DRIVERS)
    except ConfigError as error:
        assert error.faults
        for fault in error.faults:
            check_place(fault)
    else:
        assert summarise(site)
        assert all(site.points[row].id == name for name, row in site.row_of.items())


def check_place(fault: Fault) -> None:
    """The line exists, and the column is within it or just behind."""
    if not fault.file.is_file():
        assert (fault.line, fault.column) == (1, 1)
        return
    text = fault.file.read_bytes().decode("utf-8", errors="replace").replace("\r\n", "\n").replace("\r", "\n")
    lines = text.split("\n")
    assert 1 <= fault.line <= len(lines)
    assert 1 <= fault.column <= len(lines[fault.line - 1]) + 2
    assert fault.found
    assert fault.expected
    assert "\n" not in str(fault)


@pytest.mark.parametrize("name", [name for name in TEXTS if name != "site.toml"])
@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_a_map_with_any_cell_replaced(files: Files, name: str, data: st.DataObject) -> None:
    lines = TEXTS[name].split("\n")
    number = data.draw(st.integers(0, len(lines) - 2), label="line")
    cells = lines[number].split(",")
    cells[data.draw(st.integers(0, len(cells) - 1), label="cell")] = data.draw(CELLS, label="new")
    lines[number] = ",".join(cells)
    write(files, name, "\n".join(lines).encode("utf-8", errors="surrogatepass"))
    try:
        loads_or_tells(files)
    finally:
        files.write(name, TEXTS[name])


@pytest.mark.parametrize("name", list(TEXTS))
@settings(max_examples=100, deadline=None)
@given(data=st.data())
def test_a_file_with_any_bytes_replaced(files: Files, name: str, data: st.DataObject) -> None:
    content = TEXTS[name].encode()
    start = data.draw(st.integers(0, len(content)), label="start")
    length = data.draw(st.integers(0, 20), label="length")
    new = data.draw(st.one_of(st.binary(max_size=8), st.text(max_size=6).map(str.encode)), label="new")
    write(files, name, content[:start] + new + content[start + length :])
    try:
        loads_or_tells(files)
    finally:
        files.write(name, TEXTS[name])


VALUES_OF_KEYS = [
    *("1", "-1", "0", "1e300", "inf", "nan", "true", '""', '"x"', "[]", "[1]", "[[1, 2]]", '[["a", 1]]', "{}", "[{}]"),
    *("2024-07-01", "2024-07-01T00:00:00Z", "07:00:00", "0001-01-01T00:00:00", "9999-12-31T23:59:59.999999Z"),
    *('"../x"', '"\\u0000"', '"fake"', '"plant"', '"' + "a" * 300 + '"', '"\\n"', "99999999999999999999"),
]


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_a_site_file_with_any_value_replaced(files: Files, data: st.DataObject) -> None:
    lines = SITE.split("\n")
    keys = [i for i, line in enumerate(lines) if " = " in line]
    number = data.draw(st.sampled_from(keys), label="line")
    value = data.draw(
        st.sampled_from(VALUES_OF_KEYS),
        label="value",
    )
    lines[number] = f"{lines[number].split(' = ')[0]} = {value}"
    files.write("site.toml", "\n".join(lines))
    try:
        loads_or_tells(files)
    finally:
        files.write("site.toml", SITE)


REAL: dict[str, Driver] = {driver.name: driver for driver in (DNP3, MODBUS, OPCUA)}


@pytest.mark.parametrize("name", ["dnp3_genset_controller.csv", "modbus_flywheel.csv", "opcua_smes.csv"])
@settings(max_examples=100, deadline=None)
@given(data=st.data())
def test_a_shipped_map_with_any_cell_replaced(name: str, data: st.DataObject) -> None:
    original = shipped(name)
    assert original is not None
    lines = original.read_text(encoding="utf-8").split("\n")
    number = data.draw(st.integers(0, len(lines) - 2), label="line")
    cells = lines[number].split(",")
    cells[data.draw(st.integers(0, len(cells) - 1), label="cell")] = data.draw(CELLS, label="new")
    lines[number] = ",".join(cells)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / name
        file.write_bytes("\n".join(lines).encode("utf-8", errors="surrogatepass"))
        faults: list[Fault] = []
        found = read_device_map(file, REAL[name.partition("_")[0]], faults)
        assert faults or (found is not None and found.lines)
        for fault in faults:
            check_place(fault)


def write(files: Files, name: str, content: bytes) -> None:
    (files.folder / name).write_bytes(content)


def paths(value: object, path: KeyPath = ()) -> Iterator[KeyPath]:
    """Every key and element of a parsed TOML value."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield (*path, key)
            yield from paths(inner, (*path, key))
    elif isinstance(value, list):
        for i, inner in enumerate(value):
            yield (*path, i)
            yield from paths(inner, (*path, i))


KEYS = st.sampled_from(["a", "b-c", '"d e"', "'f.g'", "a . b", '"\\u0041"'])
SCALARS = st.sampled_from(
    [
        "1",
        '"x = 1"',
        "'[t]'",
        '"""\na = 1\n"""',
        "'''#'''",
        "1979-05-27 07:32:00Z",
        "+1.5e3",
        "true",
        '"\\"#\\\\"',
        '""""q" """',
    ]
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda v: "[" + " , # c ]\n ".join([*v, ""]) + "]"),
        st.lists(st.tuples(KEYS, inner), max_size=2).map(
            lambda v: "{ " + ", ".join(f"{key} = {value}" for key, value in v) + " }"
        ),
    ),
    max_leaves=6,
)
LINES = st.one_of(
    st.tuples(KEYS, VALUES).map(lambda kv: f"  {kv[0]} = {kv[1]} # e = 1"),
    KEYS.map(lambda key: f"[{key}]"),
    KEYS.map(lambda key: f"[[{key}]] # c"),
    st.just("# a = 1"),
)


@settings(max_examples=400, deadline=None)
@given(st.lists(LINES, max_size=8).map("\n".join))
def test_every_key_of_any_valid_toml_has_a_position(text: str) -> None:
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return
    positions = key_positions(text)
    assert set(paths(content)) == set(positions)
    for path, at in positions.items():
        if isinstance(path[-1], str) and path[-1].isalpha() and text[at] not in "['\"":
            assert text[at:].startswith(path[-1])
