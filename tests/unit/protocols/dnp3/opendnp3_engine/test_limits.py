"""The site file's key ``engine``, and what is a fault with it."""

from dataclasses import fields, replace
from typing import Any

import pytest

from protocols.dnp3.channels import MediumKind, Transport
from protocols.dnp3.link_sending import LinkSettings
from protocols.dnp3.master.config import Dnp3SessionSettings, read_session
from protocols.dnp3.opendnp3_engine.limits import engine_faults
from vppscada.model.errors import SettingFaults

PLAIN = Dnp3SessionSettings("127.0.0.1", engine="opendnp3")


def keys(settings: Dnp3SessionSettings) -> list[str]:
    return [fault.key for fault in engine_faults(settings, found=True)]


def test_plain_settings_are_obeyed() -> None:
    assert keys(PLAIN) == []
    assert keys(replace(PLAIN, host="10.0.0.1", port=20001, integrity_period_s=7.0, class2_period_s=1.0)) == []
    assert keys(replace(PLAIN, time_sync="none")) == []


@pytest.mark.parametrize(
    ("change", "key"),
    [
        ({"time_sync": "nonlan"}, "time_sync"),
        ({"unsolicited": ()}, "unsolicited"),
        ({"unsolicited": (1, 2)}, "unsolicited"),
        ({"link": LinkSettings(confirm="always")}, "link_confirm"),
        ({"transport": Transport(MediumKind.UDP)}, "medium, role, channel or trace"),
        ({"transport": Transport(channel="north")}, "medium, role, channel or trace"),
    ],
)
def test_what_it_cannot_do_is_a_fault(change: dict[str, Any], key: str) -> None:
    assert keys(replace(PLAIN, **change)) == [key]


def test_every_setting_is_either_obeyed_or_a_fault_when_it_differs_from_its_default() -> None:
    others = {"engine", "host", "port", "local_address", "remote_address", "read_retries", "keepalive_s"}
    others |= {"integrity_period_s", "class1_period_s", "class2_period_s", "class3_period_s"}
    for field in fields(PLAIN):
        changed: dict[str, Any] = {field.name: object()}
        obeyed = not engine_faults(replace(PLAIN, **changed), found=True)
        assert obeyed == (field.name in others or field.name.endswith("timeout_s")), field.name


def test_a_missing_package_is_a_fault_that_says_what_to_install() -> None:
    (fault,) = engine_faults(PLAIN, found=False)
    assert fault.key == "engine"
    assert 'pip install "vppscada[opendnp3]"' in fault.expected


def test_every_fault_of_a_table_comes_at_once() -> None:
    table = {"host": "h", "engine": "opendnp3", "time_sync": "nonlan", "unsolicited": False, "port": 0}
    with pytest.raises(SettingFaults) as found:
        read_session(table)
    assert {"port", "time_sync", "unsolicited"} <= {fault.key for fault in found.value.faults}


def test_an_engine_that_nobody_knows_is_a_fault() -> None:
    with pytest.raises(SettingFaults) as found:
        read_session({"host": "h", "engine": "pydnp3"})
    assert [fault.key for fault in found.value.faults] == ["engine"]


def test_our_own_engine_is_the_default() -> None:
    assert read_session({"host": "h"}).engine == "vppscada"
