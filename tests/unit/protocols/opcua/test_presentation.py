"""What is told of a point beside its value."""

from dataclasses import replace

import pytest
from asyncua import ua
from asyncua.ua.object_ids import ObjectIds

from protocols.opcua.presentation import properties_of, type_of
from tests.unit.protocols.opcua.device import point
from vppscada.model.points import Point, PointKind

POWER = replace(
    point("power", PointKind.ANALOG_INPUT, "double"),
    units="MW",
    wire_units="kW",
    scale=0.001,
    minimum=-1.0,
    maximum=2.5,
)


def texts(found: object) -> list[str | None]:
    assert isinstance(found, list)
    return [one.Text for one in found]


def test_units_are_those_of_the_wire_with_their_common_code() -> None:
    units = properties_of(POWER)["EngineeringUnits"]
    assert isinstance(units, ua.EUInformation)
    assert units.DisplayName.Text == "kW"
    assert units.UnitId == (ord("K") << 16 | ord("W") << 8 | ord("T"))
    assert units.NamespaceUri.endswith("/un/cefact")


def test_the_number_of_a_common_code_is_that_of_the_standard() -> None:
    units = properties_of(replace(POWER, wire_units="degC"))["EngineeringUnits"]
    assert isinstance(units, ua.EUInformation)
    assert units.UnitId == 4_408_652  # CEL, the example of part 8


def test_units_without_a_code_are_told_by_their_word() -> None:
    units = properties_of(replace(POWER, wire_units="furlong"))["EngineeringUnits"]
    assert isinstance(units, ua.EUInformation)
    assert (units.UnitId, units.DisplayName.Text) == (-1, "furlong")


@pytest.mark.parametrize(("scale", "low", "high"), [(0.001, -1000.0, 2500.0), (-0.001, -2500.0, 1000.0)])
def test_the_range_is_in_units_of_the_wire(scale: float, low: float, high: float) -> None:
    assert properties_of(replace(POWER, scale=scale))["EURange"] == ua.Range(low, high)


@pytest.mark.parametrize("changes", [{"minimum": None}, {"maximum": None}, {"minimum": 2.5}])
def test_there_is_no_range_without_two_bounds(changes: dict[str, float | None]) -> None:
    assert "EURange" not in properties_of(replace(POWER, **changes))  # type: ignore[arg-type]


def test_a_bare_number_has_no_units() -> None:
    assert "EngineeringUnits" not in properties_of(replace(POWER, wire_units=""))


@pytest.mark.parametrize(
    ("scale", "offset", "off", "on"), [(1.0, 0.0, "open", "closed"), (-1.0, 1.0, "closed", "open")]
)
def test_a_boolean_names_its_states_as_the_wire_has_them(scale: float, offset: float, off: str, on: str) -> None:
    state = point("state", PointKind.BINARY_INPUT, "boolean")
    found = properties_of(replace(state, state_names=("open", "closed"), scale=scale, offset=offset))
    assert found == {"FalseState": ua.LocalizedText(off), "TrueState": ua.LocalizedText(on)}


def test_a_number_with_named_states_enumerates_them() -> None:
    mode = replace(point("mode", PointKind.ANALOG_INPUT, "uint16"), state_names=("off", "auto", "manual"))
    assert texts(properties_of(mode)["EnumStrings"]) == ["off", "auto", "manual"]
    assert properties_of(replace(mode, scale=0.1)) == {}


STATES = ("off", "on")


@pytest.mark.parametrize(
    ("shown", "number"),
    [
        (POWER, ObjectIds.AnalogItemType),
        (replace(POWER, maximum=None), ObjectIds.AnalogUnitType),
        (replace(POWER, wire_units="", maximum=None), ObjectIds.BaseDataVariableType),
        (replace(point("s", PointKind.BINARY_INPUT, "boolean"), state_names=STATES), ObjectIds.TwoStateDiscreteType),
        (replace(point("s", PointKind.ANALOG_INPUT, "uint16"), state_names=STATES), ObjectIds.MultiStateDiscreteType),
        (replace(point("s", PointKind.ANALOG_INPUT, "double"), state_names=STATES), ObjectIds.BaseDataVariableType),
        (point("s", PointKind.STRING, "string"), ObjectIds.BaseDataVariableType),
    ],
)
def test_the_type_is_one_whose_mandatory_properties_are_there(shown: Point, number: int) -> None:
    assert type_of(shown, properties_of(shown)) == number
