"""Settings of media, scan classes and holes, and the columns that only sessions have."""

from collections.abc import Mapping

import pytest

from protocols.modbus.config import Table
from protocols.modbus.driver import DRIVER
from protocols.modbus.media import Framing, Parity, SerialSettings
from protocols.modbus.plan import Hole
from protocols.modbus.settings import ScanClass
from tests.unit.protocols.modbus.making import address
from vppscada.model.errors import CellFaults, SettingFaults

SERIAL = {"medium": "serial", "device": "/dev/ttyUSB0"}


def faults(table: Mapping[str, object]) -> list[str]:
    with pytest.raises(SettingFaults) as caught:
        DRIVER.read_session(table)
    return [fault.key for fault in caught.value.faults]


def test_a_serial_line_has_the_defaults_of_the_specification() -> None:
    settings = DRIVER.read_session(SERIAL)
    assert settings.framing is Framing.RTU
    assert settings.serial == SerialSettings("/dev/ttyUSB0", 19_200, Parity.EVEN, 1)
    unprotected = DRIVER.read_session({**SERIAL, "parity": "none"}).serial
    assert unprotected is not None
    assert unprotected.stop_bits == 2


def test_a_serial_line_has_no_host() -> None:
    assert faults({**SERIAL, "host": "h", "port": 1, "framing": "rtu_over_tcp"}) == ["host", "port", "framing"]
    assert faults({"medium": "serial", "baud": 1, "parity": "odds"}) == ["parity", "device", "baud"]


def test_frames_stand_three_and_a_half_characters_apart_up_to_19200_baud() -> None:
    assert SerialSettings("d", 9600).silence_s == pytest.approx(3.5 * 11 / 9600)
    assert SerialSettings("d", 115_200).silence_s == 1.75e-3


def test_the_server_of_a_serial_session_stands_at_the_lines_other_end() -> None:
    session = DRIVER.read_session({**SERIAL, "far_device": "/dev/ttyUSB1", "device_id": 3})
    server = DRIVER.outstation_settings(session)
    assert server.serial is not None
    assert (server.serial.device, server.device_id, server.framing) == ("/dev/ttyUSB1", 3, Framing.RTU)


def test_sessions_behind_one_line_have_one_medium_and_others_do_not_share() -> None:
    def medium(**table: object) -> object:
        return DRIVER.read_session({"host": "h", **table}).medium

    first, second = (medium(framing="rtu_over_tcp", device_id=i, connect_timeout_s=i) for i in (1, 2))
    assert first == second
    assert medium(framing="rtu_over_tcp", channel="other") != first
    assert not DRIVER.read_session({"host": "h"}).medium.is_shared
    assert DRIVER.read_session({"host": "h", "channel": "gateway"}).medium.is_shared


def test_scan_classes_and_holes_are_read() -> None:
    settings = DRIVER.read_session(
        {
            "host": "h",
            "scan_classes": {"fast": {"period_s": 0.2, "priority": 1}, "slow": {"period_s": 60}},
            "holes": ["holding_register 100-110", "coil 7"],
        }
    )
    assert settings.scan_classes == (ScanClass("fast", 0.2, 1), ScanClass("slow", 60.0, 5))
    assert settings.holes == (Hole(Table.HOLDING_REGISTER, 100, 111), Hole(Table.COIL, 7, 8))


@pytest.mark.parametrize(
    "wrong",
    [
        {"fast": 1},
        {"": {}},
        {"a b": {}},
        {"fast": {"period_s": 0}},
        {"fast": {"priority": 10}},
        {"fast": {"speed": 1}},
        ["fast"],
    ],
)
def test_a_scan_class_that_is_none_is_a_fault_of_its_key(wrong: object) -> None:
    assert faults({"host": "h", "scan_classes": wrong}) == ["scan_classes"]


@pytest.mark.parametrize("wrong", ["100", "holding_register", "holding 1", "coil 9-8", "coil 65536", "coil 1-99999"])
def test_a_hole_that_is_none_is_a_fault(wrong: str) -> None:
    assert faults({"host": "h", "holes": [wrong]}) == ["holes"]
    assert faults({"host": "h", "holes": wrong}) == ["holes"]


def test_columns_of_sessions_are_optional_and_checked() -> None:
    assert set(DRIVER.optional_columns) == {"scan_class", "read_back"}
    here = {"table": "holding_register", "register": "1"}
    one = address("analog_output", "int16", **here, scan_class="fast", read_back="no")
    assert (one.scan_class, one.read_back) == ("fast", False)
    assert address("analog_output", "int16", **here).read_back is None
    with pytest.raises(CellFaults) as caught:
        address("analog_input", "int16", **here, scan_class="every day", read_back="maybe")
    assert {fault.column for fault in caught.value.faults} == {"scan_class", "read_back"}


def test_what_a_session_cannot_read_is_a_fault_of_its_cell() -> None:
    settings = DRIVER.read_session(
        {
            "host": "h",
            "max_registers": 10,
            "holes": ["holding_register 5-6"],
            "scan_classes": {"fast": {"period_s": 0.2}},
        }
    )

    def columns(kind: str, data_type: str, register: str, **cells: str) -> list[str]:
        one = address(kind, data_type, table="holding_register", register=register, **cells)
        return [fault.column for fault in DRIVER.address_faults(settings, one)]

    assert columns("analog_input", "uint32", "3", scan_class="fast") == []
    assert columns("analog_input", "uint32", "4", scan_class="slow") == ["scan_class", "register"]
    assert columns("string", "string11", "20") == ["data_type"]
