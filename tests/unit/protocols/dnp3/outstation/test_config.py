"""Settings of an outstation: defaults, what is read, and every fault at once."""

import pytest

from protocols.dnp3.outstation.config import Dnp3OutstationSettings
from protocols.dnp3.outstation.nameplate import Nameplate
from protocols.dnp3.outstation.settings_reading import read_outstation
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


def test_each_master_starts_from_the_settings_around_it() -> None:
    table = {
        "local_address": 12,
        "max_events": 500,
        "confirm_timeout_s": 2,
        "masters": [
            {"master_address": 1, "max_events": 50, "unsolicited": False},
            {
                "name": "control room",
                "master_address": 2,
                "sources": ["10.0.0.0/8", "::1"],
                "overflow": "back_pressure",
            },
        ],
    }
    settings = read_outstation(table)
    first, second = settings.associations
    assert settings.master_address == 1
    assert (first.identity, first.max_events, first.unsolicited, first.overflow) == ("1", 50, False, "newest")
    assert (second.identity, second.max_events, second.unsolicited) == ("control room", 500, True)
    assert (second.overflow, second.local_address, second.confirm_timeout_s) == ("back_pressure", 12, 2)
    assert [str(network) for network in second.sources] == ["10.0.0.0/8", "::1/128"]


def test_without_masters_there_is_one_association() -> None:
    settings = read_outstation({"master_address": 7})
    assert settings.associations == (settings,)
    assert settings.identity == "7"


@pytest.mark.parametrize(
    ("masters", "found"),
    [
        (3, "3"),
        ([], "[]"),
        (["one"], "'one'"),
        ([{}], "1: master_address: nothing"),
        ([{"master_address": 1}, {"master_address": 2, "port": 3}], "2: port: unknown key"),
        ([{"master_address": 1, "max_events": 0}], "1: max_events: 0"),
        ([{"master_address": 1, "sources": "10.0.0.1/8"}], "1: sources: '10.0.0.1/8'"),
        ([{"master_address": 1}, {"master_address": 1, "name": "b"}], "address 1 twice from the same place"),
        (
            [
                {"master_address": 1, "sources": "10.0.0.0/8"},
                {"master_address": 1, "name": "b", "sources": "10.1.0.0/16"},
            ],
            "address 1 twice from the same place",
        ),
        ([{"master_address": 1, "name": "a"}, {"master_address": 2, "name": "a"}], "two called 'a'"),
    ],
)
def test_what_is_wrong_with_a_master_is_said_with_its_number(masters: object, found: str) -> None:
    with pytest.raises(SettingFaults) as raised:
        read_outstation({"masters": masters})
    assert [(fault.key, fault.found) for fault in raised.value.faults] == [("masters", found)]


def test_masters_of_one_address_are_told_apart_by_where_they_come_from() -> None:
    near, far = (
        {"master_address": 1, "sources": "10.0.0.0/8"},
        {"master_address": 1, "name": "b", "sources": "11.0.0.1"},
    )
    assert len(read_outstation({"masters": [near, far]}).associations) == 2


def test_no_master_can_have_the_outstation_s_address() -> None:
    with pytest.raises(SettingFaults, match="another address"):
        read_outstation({"local_address": 5, "masters": [{"master_address": 1}, {"master_address": 5}]})
    with pytest.raises(SettingFaults, match="beside masters"):
        read_outstation({"master_address": 5, "masters": [{"master_address": 1}]})


def test_a_serial_line_has_no_sources() -> None:
    with pytest.raises(SettingFaults, match="on a serial line"):
        read_outstation({"medium": "serial", "device": "/dev/ttyS0", "sources": "10.0.0.1"})
