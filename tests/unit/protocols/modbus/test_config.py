"""Addresses and settings, with every fault at once."""

import pytest

from protocols.modbus import DRIVER
from protocols.modbus.config import Table, WordOrder, address_key
from protocols.modbus.media import Framing
from tests.unit.protocols.modbus.making import address
from vppscada.model.errors import CellFaults, SettingFaults
from vppscada.model.points import PointKind


def test_an_address_is_read_with_everything_it_says() -> None:
    read = address(
        "analog_input",
        "int32",
        table="input_register",
        register="7",
        word_order="little",
        scale_factor="w_sf",
        sentinel="yes",
    )
    assert (read.table, read.register, read.registers) == (Table.INPUT_REGISTER, 7, 2)
    assert (read.word_order, read.scale_factor, read.sentinel) == (WordOrder.LITTLE, "w_sf", True)


def test_the_defaults_of_empty_cells_are_big_no_and_the_natural_type() -> None:
    coil = address("binary_output", table="coil", register="0")
    word = address("binary_input", table="holding_register", register="0")
    assert (coil.data_type.name, word.data_type.name) == ("bool", "bitfield16")
    assert word.word_order is WordOrder.BIG
    assert not word.sentinel


def test_strings_count_registers() -> None:
    assert address("string", "string16", table="holding_register", register="40004").registers == 16


def test_the_states_that_mean_one_stand_behind_an_equals_sign() -> None:
    read = address("binary_input", "enum16", table="input_register", register="1", bit="=4|5")
    assert read.states == (4, 5)
    assert read.bit is None


def test_every_fault_of_a_line_is_told_at_once() -> None:
    with pytest.raises(CellFaults) as caught:
        address(
            "analog_input",
            "float31",
            table="registers",
            register="-1",
            bit="3",
            word_order="middle",
            scale_factor="sf",
            sentinel="maybe",
        )
    assert {fault.column for fault in caught.value.faults} == {
        "table",
        "data_type",
        "register",
        "bit",
        "word_order",
        "scale_factor",
        "sentinel",
    }


@pytest.mark.parametrize(
    ("kind", "data_type", "cells", "column"),
    [
        ("analog_output", "int16", {"table": "input_register", "register": "1"}, "table"),
        ("binary_output", "", {"table": "discrete_input", "register": "1"}, "table"),
        ("analog_input", "", {"table": "coil", "register": "1"}, "table"),
        ("analog_input", "", {"table": "holding_register", "register": "1"}, "data_type"),
        ("analog_input", "string4", {"table": "holding_register", "register": "1"}, "data_type"),
        ("string", "uint16", {"table": "holding_register", "register": "1"}, "data_type"),
        ("string", "string124", {"table": "holding_register", "register": "1"}, "data_type"),
        ("binary_input", "float32", {"table": "holding_register", "register": "1", "bit": "1"}, "data_type"),
        ("binary_input", "uint16", {"table": "coil", "register": "1"}, "data_type"),
        ("binary_input", "", {"table": "holding_register", "register": "1", "bit": "16"}, "bit"),
        ("binary_input", "", {"table": "holding_register", "register": "1", "bit": "=65536"}, "bit"),
        ("binary_input", "", {"table": "coil", "register": "1", "bit": "1"}, "bit"),
        ("double_bit_input", "", {"table": "holding_register", "register": "1"}, "bit"),
        ("double_bit_input", "", {"table": "holding_register", "register": "1", "bit": "15"}, "bit"),
        ("analog_input", "int32", {"table": "holding_register", "register": "65535"}, "register"),
        ("analog_input", "int16", {"table": "holding_register", "register": "٣"}, "register"),
        (
            "analog_input",
            "float32",
            {"table": "holding_register", "register": "1", "scale_factor": "x"},
            "scale_factor",
        ),
        ("binary_input", "", {"table": "coil", "register": "1", "sentinel": "yes"}, "sentinel"),
    ],
)
def test_what_does_not_go_together_is_a_fault_of_its_column(
    kind: str, data_type: str, cells: dict[str, str], column: str
) -> None:
    with pytest.raises(CellFaults) as caught:
        address(kind, data_type, **cells)
    assert [fault.column for fault in caught.value.faults] == [column]


def test_an_output_may_share_its_register_with_the_input_that_echoes_it() -> None:
    echo = address("analog_input", "int16", table="holding_register", register="1")
    output = address("analog_output", "int16", table="holding_register", register="1")
    assert address_key(echo, PointKind.ANALOG_INPUT) != address_key(output, PointKind.ANALOG_OUTPUT)
    assert address_key(echo, PointKind.ANALOG_INPUT) == address_key(echo, PointKind.COUNTER)


def test_session_settings_have_their_defaults() -> None:
    settings = DRIVER.read_session({"host": " plc.example "})
    assert (settings.host, settings.port, settings.device_id, settings.framing) == ("plc.example", 502, 1, Framing.TCP)
    assert (settings.timeout_s, settings.period_s, settings.max_registers, settings.max_bits) == (1.0, 1.0, 125, 2000)


def test_every_fault_of_a_session_table_is_told_at_once() -> None:
    table = {
        "port": 70_000,
        "framing": "ascii",
        "timeout_s": "1",
        "period_s": 0,
        "max_registers": 126,
        "max_bits": True,
        "write_multiple": "yes",
        "speed": 9600,
    }
    with pytest.raises(SettingFaults) as caught:
        DRIVER.read_session(table)
    assert {fault.key for fault in caught.value.faults} == {*table, "host"}


@pytest.mark.parametrize(("framing", "device_id"), [("rtu_over_tcp", 0), ("rtu_over_tcp", 248), ("tcp", 256)])
def test_a_device_id_has_the_range_of_its_framing(framing: str, device_id: int) -> None:
    with pytest.raises(SettingFaults, match="device_id"):
        DRIVER.read_session({"host": "h", "framing": framing, "device_id": device_id})


def test_outstation_settings_may_let_the_system_choose_the_port() -> None:
    assert DRIVER.read_outstation({"port": 0}).host == "127.0.0.1"
    with pytest.raises(SettingFaults, match="listen"):
        DRIVER.read_outstation({"listen": "0.0.0.0"})


def test_the_server_of_a_session_is_where_the_session_looks() -> None:
    session = DRIVER.read_session({"host": "127.0.0.1", "port": 1502, "device_id": 7, "framing": "rtu_over_tcp"})
    server = DRIVER.outstation_settings(session)
    assert (server.host, server.port, server.device_id, server.framing) == (
        "127.0.0.1",
        1502,
        7,
        Framing.RTU_OVER_TCP,
    )


def test_another_protocols_settings_are_refused() -> None:
    with pytest.raises(TypeError):
        DRIVER.session("s", object(), [])
