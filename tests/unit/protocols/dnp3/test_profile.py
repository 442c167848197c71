"""The device profile tells the outstation as it is set up, in the words of the schema."""

import csv
import io
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from ipaddress import ip_network
from xml.etree import ElementTree

import pytest

from protocols.dnp3 import DRIVER
from protocols.dnp3.addresses import Dnp3Address
from protocols.dnp3.channels import MediumKind, SerialSettings, Transport
from protocols.dnp3.objects import FORMS
from protocols.dnp3.outstation.config import Dnp3OutstationSettings
from protocols.dnp3.profile.items import NAMESPACE
from vppscada.model.commands import CommandMode
from vppscada.model.points import Point, PointKind, RowPoint

NS = f"{{{NAMESPACE}}}"
DAY = date(2026, 1, 2)
SETTINGS = Dnp3OutstationSettings(host="10.0.0.5", port=20001, local_address=7, master_address=3, max_fragment=1024)
POINTS = [
    Point(
        "a.power", PointKind.ANALOG_INPUT, description="Power <kW> & more", data_type="float32", scale=0.001,
        units="MW", minimum=0.0, deadband=0.1, event_class=2, address=Dnp3Address(5),
    ),
    Point("a.on", PointKind.BINARY_INPUT, event_class=1, state_names=("off", "on"), address=Dnp3Address(0)),
    Point("a.energy", PointKind.COUNTER, data_type="uint16", address=Dnp3Address(2, frozen_class=3)),
    Point("a.start", PointKind.BINARY_OUTPUT, writable=True, command_mode=CommandMode.SBO, address=Dnp3Address(1)),
    Point("a.setpoint", PointKind.ANALOG_OUTPUT, writable=True, address=Dnp3Address(1, command_class=1)),
    Point("a.name", PointKind.STRING, address=Dnp3Address(0)),
    Point("a.unused", PointKind.ANALOG_INPUT, enabled=False, address=Dnp3Address(6)),
]  # fmt: skip
ROWS = [RowPoint(row, point) for row, point in enumerate(POINTS)]


def root(settings: Dnp3OutstationSettings = SETTINGS, file: str = "ems.xml") -> ElementTree.Element:
    return ElementTree.fromstring(DRIVER.documents("ems", settings, ROWS, DAY)[file])


def current(tree: ElementTree.Element, name: str) -> list[str]:
    """The current value of a parameter: its text, or the words that stand in it."""
    [found] = tree.iter(f"{NS}{name}")
    value = found.find(f"{NS}currentValue")
    assert value is not None
    return [child.text or child.tag.removeprefix(NS) for child in value]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("dataLinkAddress", "7"),
        ("expectedSourceAddress", "3"),
        ("tcpListenPort", "20001"),
        ("ipAddress", "10.0.0.5"),
        ("maxTransmittedFragmentSize", "1024"),
        ("maxObjectsInCROBControlRequest", "16"),
        ("applicationLayerConfirmTimeout", "5000"),
        ("supportsUnsolicitedReporting", "on"),
        ("sendsConfirmedUserDataFrames", "never"),
        ("selfAddressSupport", "no"),
        ("typeOfEndPoint", "tcpListening"),
        ("multipleMasterConnections", "notSupported"),
    ],
)
def test_the_settings_of_the_outstation_are_told(name: str, value: str) -> None:
    assert current(root(), name) == [value]


def test_a_changed_setting_changes_the_document() -> None:
    changed = replace(SETTINGS, unsolicited=False, self_address=True, sources=(ip_network("10.1.0.0/16"),))
    tree = root(changed)
    assert current(tree, "supportsUnsolicitedReporting") == ["off"]
    assert current(tree, "selfAddressSupport") == ["yes"]
    assert current(tree, "tcpConnectionEstablishment") == ["basedOnWildcardIPAddress"]
    assert current(tree, "ipAddressOfRemoteDevice") == ["10.1.0.0/16"]


def test_each_master_has_a_document_of_its_own() -> None:
    masters = (replace(SETTINGS, master="centre"), replace(SETTINGS, master="backup", master_address=4))
    files = DRIVER.documents("ems", replace(SETTINGS, masters=masters), ROWS, DAY)
    assert {name for name in files if name.endswith(".xml")} == {"ems-centre.xml", "ems-backup.xml"}
    assert current(ElementTree.fromstring(files["ems-backup.xml"]), "expectedSourceAddress") == ["4"]


def test_an_outstation_on_a_serial_line_tells_the_line() -> None:
    line = Transport(MediumKind.SERIAL, serial=SerialSettings("/dev/ttyS1", baud=19_200))
    tree = root(replace(SETTINGS, transport=line))
    assert current(tree, "baudRate") == ["19200"]
    assert current(tree, "connectionsSupported") == ["serial"]
    assert not list(tree.iter(f"{NS}networkConfig"))


def points_of(tree: ElementTree.Element, name: str) -> Iterator[dict[str, str]]:
    [found] = tree.iter(f"{NS}{name}Points")
    for point in found.iter(f"{NS}{name}"):
        yield {
            child.tag.removeprefix(NS): (child.text or "").strip()
            or " ".join(part.tag.removeprefix(NS) for part in child)
            for child in point
        }


def test_every_enabled_point_is_listed_with_class_variations_scale_and_states() -> None:
    tree = root()
    [analog] = points_of(tree, "analogInput")
    assert analog == {
        "index": "5",
        "name": "a.power",
        "description": "Power <kW> & more",
        "changeEventClass": "two",
        "includedInClass0Response": "always",
        "defaultStaticVariation": "five",
        "defaultEventVariation": "seven",
        "scaleOffset": "0",
        "scaleFactor": "0.001",
        "units": "MW",
    }
    [binary] = points_of(tree, "binaryInput")
    assert (binary["nameState0"], binary["nameState1"]) == ("off", "on")
    [counter] = points_of(tree, "counter")
    assert (counter["frozenCounterEventClass"], counter["counterRollOver"]) == ("three", "65535")
    [start] = points_of(tree, "binaryOutput")
    assert "supportDirectOperate" not in start["supportedControlOperations"]
    [setpoint] = points_of(tree, "analogOutput")
    assert "supportDirectOperate" in setpoint["supportedControlOperations"]
    assert setpoint["commandEventClass"] == "one"
    assert len(list(points_of(tree, "octetString"))) == 1


def test_the_implementation_table_has_every_variation_of_the_groups_that_are_served() -> None:
    rows = {
        (int(row.findtext(f"{NS}objectGroup", "")), int(row.findtext(f"{NS}variation", "")))
        for row in root().iter(f"{NS}supportedVariation")
    }
    served = {1, 2, 10, 11, 12, 13, 20, 21, 22, 23, 30, 31, 32, 33, 34, 40, 41, 42, 43}
    assert {(group, number) for group, number in FORMS if group in served and number} <= rows
    assert not {group for group, _ in rows} & {3, 4}  # no double-bit input here


def test_point_lists_turn_what_is_told_into_engineering_values() -> None:
    files = DRIVER.documents("ems", SETTINGS, ROWS, DAY)
    [line] = csv.DictReader(io.StringIO(files["ems-analog_input.csv"]))
    assert (line["index"], line["name"], line["description"]) == ("5", "a.power", "Power <kW> & more")
    assert (float(line["scale"]), line["units"], line["event_class"], line["in_class_0"]) == (0.001, "MW", "2", "yes")
    assert {name for name in files if name.endswith(".csv")} == {
        f"ems-{kind}.csv"
        for kind in ("analog_input", "analog_output", "binary_input", "binary_output", "counter", "string")
    }
