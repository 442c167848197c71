"""Settings of an outstation: defaults, what is read, and every fault at once."""

import pytest

from protocols.dnp3.outstation.config import Dnp3OutstationSettings, read_outstation
from protocols.dnp3.outstation.nameplate import Nameplate
from vppscada.model.errors import SettingFaults


def test_an_empty_table_gives_the_defaults() -> None:
    assert read_outstation({}) == Dnp3OutstationSettings()


def test_every_key_is_read() -> None:
    table = {
        "host": "0.0.0.0",
        "port": 0,
        "local_address": 12,
        "master_address": 3,
        "unsolicited": False,
        "confirm_timeout_s": 2,
        "max_events": 500,
        "trust_local_clock": True,
        "unsolicited_hold_s": [0.1, 0.5, 1],
        "unsolicited_hold_events": 7,
        "class_0": [1, 21, 30, 1],
        "restart_time_s": 90,
        "freeze_events_on_change": True,
        "device_name": "north",
        "device_software": "9",
        "device_serial": "007",
        "device_latitude": 48,
    }
    settings = read_outstation(table)
    assert settings == Dnp3OutstationSettings(
        host="0.0.0.0",
        port=0,
        local_address=12,
        master_address=3,
        unsolicited=False,
        confirm_timeout_s=2,
        max_events=500,
        trust_local_clock=True,
        unsolicited_hold_s=(0.1, 0.5, 1),
        unsolicited_hold_events=(7, 7, 7),
        class_0=(1, 21, 30),
        restart_time_s=90,
        freeze_events_on_change=True,
        nameplate=Nameplate(name="north", serial="007", software="9", latitude=48.0),
    )


def test_every_fault_comes_at_once_with_its_key() -> None:
    table = {
        "host": 3,
        "port": 70000,
        "local_address": True,
        "unsolicited": "yes",
        "confirm_timeout_s": "2",
        "unsolicited_hold_s": [1, 2],
        "class_0": [1, 2],
        "restart_time_s": 70_000,
        "device_id": "n" * 256,
        "device_owner": 3,
        "device_longitude": 181,
        "colour": "red",
    }
    with pytest.raises(SettingFaults) as raised:
        read_outstation(table)
    assert {fault.key for fault in raised.value.faults} == set(table)


def test_both_ends_cannot_have_one_address() -> None:
    with pytest.raises(SettingFaults, match="another address"):
        read_outstation({"local_address": 1})
