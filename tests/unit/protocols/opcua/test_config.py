"""Addresses and data types: every fault at once, with its column."""

import uuid

import pytest

from protocols.opcua import DRIVER
from protocols.opcua.config import Methods, NodeName, OpcUaAddress, identifier_text, parse_identifier
from protocols.opcua.data_types import DATA_TYPES, CannotEncode
from vppscada.model.errors import CellFaults
from vppscada.model.points import PointKind

URI = "urn:device"


@pytest.mark.parametrize(
    ("text", "identifier"),
    [
        ("s=WTG01.WTUR.W", "WTG01.WTUR.W"),
        ("s=a=b;c", "a=b;c"),
        ("i=0", 0),
        ("i=4294967295", 4_294_967_295),
        ("g=72962b91-fa75-4ae6-8d28-b404dc7daf63", uuid.UUID("72962b91-fa75-4ae6-8d28-b404dc7daf63")),
        ("b=aGVsbG8=", b"hello"),
    ],
)
def test_an_identifier_is_read_and_written_the_same(text: str, identifier: object) -> None:
    found = parse_identifier(text)
    assert found == identifier
    assert found is not None
    assert identifier_text(found) == text


@pytest.mark.parametrize(
    "text", ["", "s=", "i=-1", "i=4294967296", "i=1.5", "i=x", "g=12", "b=***", "x=1", "power", "i=²"]
)
def test_what_is_no_identifier_is_none(text: str) -> None:
    assert parse_identifier(text) is None


def test_a_line_has_all_its_faults_at_once() -> None:
    with pytest.raises(CellFaults) as found:
        DRIVER.read_address({"namespace_uri": " ", "identifier": "nix"}, PointKind.BINARY_OUTPUT, "float")
    assert [fault.column for fault in found.value.faults] == ["namespace_uri", "identifier", "data_type"]
    assert "boolean" in found.value.faults[2].expected


@pytest.mark.parametrize(
    ("kind", "word"),
    [
        (PointKind.BINARY_INPUT, "boolean"),
        (PointKind.DOUBLE_BIT_INPUT, "byte"),
        (PointKind.ANALOG_INPUT, "double"),
        (PointKind.COUNTER, "uint32"),
        (PointKind.BINARY_OUTPUT, "boolean"),
        (PointKind.ANALOG_OUTPUT, "double"),
        (PointKind.STRING, "string"),
    ],
)
def test_every_kind_has_a_type_by_itself(kind: PointKind, word: str) -> None:
    address = DRIVER.read_address({"namespace_uri": URI, "identifier": "i=1"}, kind, "")
    assert address == OpcUaAddress(URI, 1, DATA_TYPES[word])


@pytest.mark.parametrize(
    ("kind", "word"),
    [
        (PointKind.BINARY_OUTPUT, "int16"),
        (PointKind.BINARY_INPUT, "float"),
        (PointKind.COUNTER, "double"),
        (PointKind.ANALOG_OUTPUT, "datetime"),
        (PointKind.ANALOG_INPUT, "string"),
        (PointKind.STRING, "double"),
        (PointKind.ANALOG_INPUT, "decimal"),
    ],
)
def test_a_type_that_does_not_fit_the_kind_is_a_fault(kind: PointKind, word: str) -> None:
    with pytest.raises(CellFaults):
        DRIVER.read_address({"namespace_uri": URI, "identifier": "i=1"}, kind, word)


def test_an_output_may_stand_on_the_node_of_an_input_but_two_inputs_may_not() -> None:
    cells = {"namespace_uri": URI, "identifier": "s=Setpoint"}
    shown = DRIVER.read_address(cells, PointKind.ANALOG_INPUT, "float")
    again = DRIVER.read_address(cells, PointKind.ANALOG_INPUT, "double")
    written = DRIVER.read_address(cells, PointKind.ANALOG_OUTPUT, "float")
    key = DRIVER.address_key
    assert key(shown, PointKind.ANALOG_INPUT) == key(again, PointKind.ANALOG_INPUT)
    assert key(shown, PointKind.ANALOG_INPUT) != key(written, PointKind.ANALOG_OUTPUT)


@pytest.mark.parametrize(
    ("word", "value", "encoded"),
    [
        ("boolean", 1.0, True),
        ("boolean", 0.0, False),
        ("int16", -32_768.0, -32_768),
        ("uint16", 65_535.0, 65_535),
        ("int32", 2.6, 3),
        ("uint64", 2.0**40, 1 << 40),
        ("float", 1.5, 1.5),
        ("double", 1e300, 1e300),
    ],
)
def test_a_value_goes_into_its_type(word: str, value: float, encoded: object) -> None:
    found = DATA_TYPES[word].encode(value)
    assert found == encoded
    assert type(found) is type(encoded)


@pytest.mark.parametrize(
    ("word", "value"),
    [
        ("sbyte", 128.0),
        ("byte", -1.0),
        ("int16", 32_768.0),
        ("uint32", -0.6),
        ("uint64", 2.0**64),
        ("float", 1e39),
        ("double", float("nan")),
        ("double", float("inf")),
        ("boolean", float("nan")),
        ("string", 1.0),
        ("datetime", -1.0),
    ],
)
def test_a_value_that_does_not_go_into_its_type_is_refused(word: str, value: float) -> None:
    with pytest.raises(CannotEncode):
        DATA_TYPES[word].encode(value)


def test_a_node_may_have_a_deadband_and_a_sampling_of_its_own() -> None:
    cells = {"namespace_uri": URI, "identifier": "i=1", "node_deadband": "0.5", "sampling_ms": "0"}
    address = DRIVER.read_address(cells, PointKind.ANALOG_INPUT, "float")
    assert address == OpcUaAddress(URI, 1, DATA_TYPES["float"], 0.5, 0.0)
    assert str(address) == f"nsu={URI};i=1 deadband 0.5 sampled every 0 ms"


@pytest.mark.parametrize(
    ("column", "text"),
    [
        ("node_deadband", "-1"),
        ("node_deadband", "inf"),
        ("node_deadband", "1,5"),
        ("sampling_ms", "nan"),
        ("sampling_ms", "3600001"),
        ("sampling_ms", "-1"),
    ],
)
def test_a_wrong_deadband_or_sampling_is_told_with_its_column(column: str, text: str) -> None:
    cells = {"namespace_uri": URI, "identifier": "i=1", column: text}
    with pytest.raises(CellFaults) as found:
        DRIVER.read_address(cells, PointKind.ANALOG_INPUT, "float")
    assert [(fault.column, fault.found) for fault in found.value.faults] == [(column, repr(text))]


def test_only_numbers_have_a_deadband() -> None:
    cells = {"namespace_uri": URI, "identifier": "i=1", "node_deadband": "1"}
    with pytest.raises(CellFaults) as found:
        DRIVER.read_address(cells, PointKind.BINARY_INPUT, "boolean")
    assert [fault.column for fault in found.value.faults] == ["node_deadband"]


def node(identifier: str | int, uri: str = URI) -> NodeName:
    return NodeName(uri, identifier)


ON, OFF = {"method": "s=Start"}, {"method_off": "i=7"}


@pytest.mark.parametrize(
    ("cells", "methods", "is_read"),
    [
        ({}, None, True),
        (ON, Methods(node("Start"), None, node("Engine")), False),
        (ON | OFF, Methods(node("Start"), node(7), node("Engine")), False),
        (ON | {"method_object": "s=Engine"}, Methods(node("Start"), None, node("Engine")), False),
        (ON | {"method_object": "s=Other"}, Methods(node("Start"), None, node("Other")), True),
        ({"method": "nsu=urn:types;i=9"}, Methods(node(9, "urn:types"), None, node("Engine")), False),
    ],
)
def test_an_output_may_be_commanded_by_methods(cells: dict[str, str], methods: Methods | None, is_read: bool) -> None:
    line = {"namespace_uri": URI, "identifier": "s=Engine", **cells}
    address = DRIVER.read_address(line, PointKind.BINARY_OUTPUT, "")
    assert address == OpcUaAddress(URI, "Engine", DATA_TYPES["boolean"], methods=methods)
    assert address.is_read is is_read


@pytest.mark.parametrize(
    ("kind", "cells", "columns"),
    [
        (PointKind.BINARY_INPUT, ON | OFF, ["method", "method_off"]),
        (PointKind.ANALOG_OUTPUT, ON | OFF, ["method_off"]),
        (PointKind.BINARY_OUTPUT, OFF, ["method"]),
        (PointKind.ANALOG_OUTPUT, {"method_object": "s=x"}, ["method"]),
        (PointKind.BINARY_OUTPUT, {"method": "Start"}, ["method"]),
        (PointKind.BINARY_OUTPUT, ON | {"method_off": "nsu=;i=1"}, ["method_off"]),
        (PointKind.BINARY_OUTPUT, ON | {"method_object": "nsu=urn:x"}, ["method_object"]),
    ],
)
def test_wrong_methods_are_told_with_their_columns(kind: PointKind, cells: dict[str, str], columns: list[str]) -> None:
    with pytest.raises(CellFaults) as found:
        DRIVER.read_address({"namespace_uri": URI, "identifier": "s=Engine", **cells}, kind, "")
    assert [fault.column for fault in found.value.faults] == columns


def test_points_of_one_object_differ_by_their_methods() -> None:
    line = {"namespace_uri": URI, "identifier": "s=Engine"}
    addresses = [
        DRIVER.read_address({**line, "method": method}, PointKind.BINARY_OUTPUT, "")
        for method in ("s=Start", "s=Reset", "s=Start")
    ]
    start, reset, again = (DRIVER.address_key(address, PointKind.BINARY_OUTPUT) for address in addresses)
    assert start == again
    assert start != reset
    assert str(addresses[0]) == f"nsu={URI};s=Engine commanded by nsu={URI};s=Start"
