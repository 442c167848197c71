"""Device profiles are well-formed, in the order of the schema, and whole; and the check of that finds what is not."""

from collections.abc import Callable
from dataclasses import replace
from ipaddress import ip_network
from xml.etree import ElementTree

import pytest

from protocols.dnp3 import DRIVER
from protocols.dnp3.addresses import Dnp3Address
from protocols.dnp3.channels import MediumKind, SerialSettings, Transport
from protocols.dnp3.channels.medium import MediumRole
from protocols.dnp3.outstation.config import Dnp3OutstationSettings
from protocols.dnp3.profile.items import NAMESPACE, SCHEMA_VERSION
from tests.unit.protocols.dnp3.profile_structure import structure_faults
from tests.unit.protocols.dnp3.test_profile import DAY, ROWS, SETTINGS, current
from vppscada.model.points import Point, PointKind, RowPoint

NS = f"{{{NAMESPACE}}}"
DOORS = Point(
    "a.door", PointKind.DOUBLE_BIT_INPUT, state_names=("moving", "open", "shut", "odd"), address=Dnp3Address(0)
)
SWITCH = Point("a.switch", PointKind.BINARY_OUTPUT, state_names=("open", "close"), address=Dnp3Address(2))
ALL = [*ROWS, RowPoint(90, DOORS), RowPoint(91, SWITCH)]
SERIAL = Transport(MediumKind.SERIAL, serial=SerialSettings("/dev/ttyS1", baud=19_200))
SETUPS = {
    "tcp": SETTINGS,
    "serial": replace(SETTINGS, transport=SERIAL),
    "udp": replace(SETTINGS, transport=Transport(MediumKind.UDP)),
    "dialling": replace(SETTINGS, transport=Transport(MediumKind.TCP, role=MediumRole.CLIENT)),
    "known sources": replace(SETTINGS, sources=(ip_network("10.1.0.0/16"), ip_network("10.2.0.1"))),
    "several masters": replace(SETTINGS, masters=(replace(SETTINGS, master="centre"),)),
    "retries": replace(SETTINGS, unsolicited_retries=3, unsolicited=False, self_address=True),
    "own clock": replace(SETTINGS, trust_local_clock=True),
    "time once": replace(SETTINGS, need_time_s=0.0),
}


def documents(settings: Dnp3OutstationSettings, points: list[RowPoint]) -> list[str]:
    files = DRIVER.documents("ems", settings, points, DAY)
    return [text for name, text in files.items() if name.endswith(".xml")]


def tree(settings: Dnp3OutstationSettings = SETTINGS) -> ElementTree.Element:
    [text] = documents(settings, ALL)
    return ElementTree.fromstring(text)


@pytest.mark.parametrize("settings", SETUPS.values(), ids=SETUPS)
def test_every_document_is_well_formed_and_in_the_order_of_the_schema(settings: Dnp3OutstationSettings) -> None:
    for text in documents(settings, ALL):
        assert text.startswith("<?xml version='1.0'")
        root = ElementTree.fromstring(text)
        assert (root.tag, root.get("schemaVersion")) == (f"{NS}DNP3DeviceProfileDocument", SCHEMA_VERSION)
        assert structure_faults(root) == []


@pytest.mark.parametrize("kind", PointKind)
def test_a_document_of_points_of_one_kind_is_in_order_too(kind: PointKind) -> None:
    for text in documents(SETTINGS, [row for row in ALL if row.point.kind is kind]):
        assert structure_faults(ElementTree.fromstring(text)) == []


def _swap(root: ElementTree.Element, name: str) -> None:
    [parent] = root.iter(f"{NS}{name}")
    parent[:] = [parent[1], parent[0], *parent[2:]]


def _drop(root: ElementTree.Element, name: str, child: str) -> None:
    parent = next(root.iter(f"{NS}{name}"))
    parent.remove(next(parent.iter(f"{NS}{child}")))


def _put(root: ElementTree.Element, name: str, path: str, word: str) -> None:
    place = next(root.iter(f"{NS}{name}")).find("/".join(f"{NS}{part}" for part in path.split("/")))
    assert place is not None
    place[:] = [ElementTree.Element(f"{NS}{word}")]


def _rename(root: ElementTree.Element, name: str, tag: str) -> None:
    next(root.iter(f"{NS}{name}")).tag = tag


def _text(root: ElementTree.Element, name: str, text: str) -> None:
    [parameter] = root.iter(f"{NS}{name}")
    value = parameter.find(f"{NS}currentValue/{NS}value")
    assert value is not None
    value.text = text


def _swap_groups(root: ElementTree.Element) -> None:
    [group] = root.iter(f"{NS}analogOutputGroup")
    _swap(group, "configuration")


BREAKERS: dict[str, Callable[[ElementTree.Element], None]] = {
    "is not in order": lambda root: _swap(root, "linkConfig"),
    "analogOutputGroup/configuration: class0": _swap_groups,
    "currentValue capabilities instead": lambda root: _swap(root, "dataLinkAddress"),
    "no index": lambda root: _drop(root, "analogInput", "index"),
    "no vendorName": lambda root: _drop(root, "deviceConfig", "vendorName"),
    "no implementationTable": lambda root: _drop(root, "referenceDevice", "implementationTable"),
    "no functionCode": lambda root: _drop(root, "request", "functionCode"),
    "no place for vendorNames": lambda root: _rename(root, "vendorName", f"{NS}vendorNames"),
    "of another namespace": lambda root: _rename(root, "units", "units"),
    "maybe cannot be": lambda root: _put(root, "selfAddressSupport", "currentValue", "maybe"),
    "a value without a range": lambda root: _put(root, "selfAddressSupport", "currentValue", "value"),
    "70000 is not from 0 to 65519": lambda root: _text(root, "dataLinkAddress", "70000"),
    "index twice": lambda root: _rename(root, "name", f"{NS}index"),
}


@pytest.mark.parametrize("told", BREAKERS)
def test_what_is_out_of_place_is_found(told: str) -> None:
    root = tree()
    BREAKERS[told](root)
    assert any(told in fault for fault in structure_faults(root)), structure_faults(root)


@pytest.mark.parametrize(
    ("sources", "word"),
    [
        ((), "allowsAll"),
        (("10.0.0.1",), "basedOnIPAddress"),
        (("10.0.0.1", "10.0.0.2"), "basedOnListOfIPAddresses"),
        (("10.1.0.0/16",), "basedOnWildcardIPAddress"),
        (("10.1.0.0/16", "10.0.0.2"), "basedOnListOfWildcardIPAddresses"),
    ],
)
def test_who_may_connect_is_told_in_the_words_of_the_schema(sources: tuple[str, ...], word: str) -> None:
    root = tree(replace(SETTINGS, sources=tuple(map(ip_network, sources))))
    assert current(root, "tcpConnectionEstablishment") == [word]


@pytest.mark.parametrize(
    ("changes", "needed", "sets"),
    [
        ({}, ["1800"], ["atStartup", "1800"]),
        ({"need_time_s": 0.0}, ["After each restart, and not again"], ["atStartup"]),
        ({"trust_local_clock": True}, ["never"], ["never"]),
    ],
)
def test_when_the_time_is_needed_is_told_in_seconds(
    changes: dict[str, float], needed: list[str], sets: list[str]
) -> None:
    root = tree(replace(SETTINGS, **changes))  # type: ignore[arg-type]
    assert current(root, "timeSyncRequired") == needed
    assert current(root, "outstationSetsIIN14") == sets
