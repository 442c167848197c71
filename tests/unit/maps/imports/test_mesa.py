"""IEEE 1815.2 profiles become maps of DNP3 points, nothing left out and nothing made up."""

import json
from pathlib import Path

import pytest

from vppscada.maps.imports import mesa_proposal
from vppscada.model.errors import ConfigError

SHARED = {"point_index": 333, "name": "X1", "event_class": "None", "multiplier": 0.1, "units": "Varies"}
PROFILE = {
    "Key": {"config": {"bo": {"start": 0}}},
    "BO": {
        "points": [
            {"point_index": 18, "name": "Enable Mode", "state_0": "Disable", "state_1": "Enable",
             "iec_61850_uid": "DWGC.Mod", "assoc_bi": "BI70"},
        ]
    },
    "BI": {
        "points": [
            {"point_index": 70, "name": "Enable  Mode", "event_class": "Class1", "state_0": "Disabled",
             "state_1": "Enabled", "iec_61850_uid": "DWGC.Mod", "assoc_bo": "BO18"},
            {"point_index": 10, "name": "System Is In Local State. Note: more.", "event_class": "Class2",
             "state_0": "Remote", "state_1": "Local", "iec_61850_uid": "DGEN.DEROpSt.disconnectedandinmaintenance"},
        ]
    },
    "AO": {
        "points": [
            {"point_index": 508, "name": "Target in Watts", "minimum": -2147483648, "maximum": 2147483647,
             "multiplier": 1.0, "offset": 0.0, "units": "Watts", "iec_61850_uid": "DWGC.GnWSpt", "assoc_ai": "AI618"},
            {"point_index": 3, "name": "Ramp", "minimum": 0, "maximum": 1000, "multiplier": 0.1, "offset": 0.0,
             "units": "Percent per Second", "iec_61850_uid": "X.Y", "assoc_ai": None},
        ]
    },
    "AI": {
        "points": [
            {"point_index": 618, "name": "Target now", "event_class": "Class2", "minimum": 0, "maximum": 2147483647,
             "multiplier": 1.0, "offset": 0.0, "units": "Watts", "iec_61850_uid": "DWGC.GnWSpt"},
            {"point_index": 44, "name": "Available Charging", "event_class": "Class2", "minimum": -5, "maximum": 0,
             "multiplier": 1.0, "offset": 0.0, "units": "Watts", "iec_61850_uid": "DSTO.MMXU.TotChaW"},
        ],
        "curves": [
            {"x_values": [SHARED]},
            {"x_values": [SHARED]},
        ],
    },
    "CTR": [
        {"point_index": 0, "name": "Energy Delivered. Measured in watt-hours.", "counter_event_class": "None",
         "frozen_counter_event_class": "Class3", "iec_61850_uid": "MMTR.SupWh"},
    ],
}  # fmt: skip


def proposed(tmp_path: Path, profile: object) -> dict[str, dict[str, str]]:
    file = tmp_path / "profile.json"
    file.write_text(json.dumps(profile), encoding="utf-8")
    return {f"{line['kind']} {line['index']}": dict(line) for line in mesa_proposal(file).lines}


def test_every_point_is_there_once_with_its_class_scale_units_and_reference(tmp_path: Path) -> None:
    lines = proposed(tmp_path, PROFILE)
    assert len(lines) == 9
    charging = lines["analog_input 44"]
    assert (charging["role"], charging["scale"], charging["units"]) == ("available_charge_power", "-1", "W")
    assert (charging["event_class"], charging["description"]) == ("2", "Available Charging (DSTO.MMXU.TotChaW)")
    ramp = lines["analog_output 3"]
    assert (ramp["scale"], ramp["units"], ramp["minimum"], ramp["maximum"]) == ("0.1", "%/s", "0", "100")
    assert lines["counter 0"]["frozen_class"] == "3"
    assert lines["counter 0"]["units"] == "Wh"


def test_outputs_have_their_associated_inputs_as_feedback_and_names_are_unique(tmp_path: Path) -> None:
    lines = proposed(tmp_path, PROFILE)
    assert lines["analog_output 508"]["feedback"] == lines["analog_input 618"]["point"] == "target_now"
    assert lines["binary_output 18"]["feedback"] == lines["binary_input 70"]["point"] == "enable_mode_bi70"
    assert len({line["point"] for line in lines.values()}) == len(lines)


def test_a_state_that_means_the_opposite_of_its_role_is_inverted(tmp_path: Path) -> None:
    local = proposed(tmp_path, PROFILE)["binary_input 10"]
    assert (local["role"], local["scale"], local["offset"], local["state_names"]) == (
        "remote",
        "-1",
        "1",
        "Local|Remote",
    )


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{", ":1:2: JSON that cannot be read"),
        ('{"points": []}', "no IEEE 1815.2 profile"),
        ('{"AI": [{"point_index": 70000, "name": "x"}]}', "AI point 70000"),
        ('{"AI": [{"point_index": 7}]}', "AI point 7"),
    ],
)
def test_what_is_no_profile_is_told_as_that(tmp_path: Path, text: str, told: str) -> None:
    file = tmp_path / "profile.json"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as refused:
        mesa_proposal(file)
    assert told in str(refused.value)
