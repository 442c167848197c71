import json
from dataclasses import replace

import numpy as np
import pytest

from vppscada.model.commands import CommandStatus
from vppscada.model.schedule import Objective
from vppscada.plant.memory import Orders, PlantMode
from vppscada.plant.orders import OrderRefused, apply_order
from vppscada.plant.planning import PlannedFor, reason_to_plan
from vppscada.plant.telling import worth_telling

ORDERS = Orders(4.0, PlantMode.FOLLOW, enabled=True)


@pytest.mark.parametrize(
    ("point", "value", "after"),
    [
        ("plant.target_command", 7.5, replace(ORDERS, target_mw=7.5)),
        ("plant.mode_command", 0.0, replace(ORDERS, mode=PlantMode.SCHEDULE)),
        ("plant.enable_command", 0.0, replace(ORDERS, enabled=False)),
        ("plant.start_stop", 0.0, replace(ORDERS, running=False)),
        ("plant.emergency_command", 1.0, replace(ORDERS, emergency=True)),
        ("plant.emergency_command", 0.0, ORDERS),
        ("plant.objective_command", 2.0, replace(ORDERS, objective=Objective.REVENUE)),
        ("plant.objective_command", 0.0, ORDERS),
    ],
)
def test_orders_change_what_they_name(point: str, value: float, after: Orders) -> None:
    assert apply_order(ORDERS, point, value, -7.0, 25.0) == after


@pytest.mark.parametrize(
    ("point", "value", "status"),
    [
        ("plant.target_command", 25.1, CommandStatus.OUT_OF_RANGE),
        ("plant.target_command", float("nan"), CommandStatus.OUT_OF_RANGE),
        ("plant.mode_command", 2.0, CommandStatus.OUT_OF_RANGE),
        ("plant.objective_command", 5.0, CommandStatus.OUT_OF_RANGE),
        ("plant.objective_command", 1.5, CommandStatus.OUT_OF_RANGE),
        ("plant.objective_command", float("nan"), CommandStatus.OUT_OF_RANGE),
        ("plant.active_power", 1.0, CommandStatus.NOT_SUPPORTED),
    ],
)
def test_impossible_orders_are_refused_with_a_status(point: str, value: float, status: CommandStatus) -> None:
    refused = apply_order(ORDERS, point, value, -7.0, 25.0)
    assert isinstance(refused, OrderRefused) and refused.status is status


def test_orders_survive_the_journal() -> None:
    for orders in (ORDERS, replace(ORDERS, objective=Objective.EFFICIENCY), replace(ORDERS, emergency=True)):
        assert Orders.from_json(orders.to_json()) == orders


def test_orders_of_a_journal_without_emergencies_call_none() -> None:
    kept = json.loads(ORDERS.to_json())
    del kept["emergency"]
    assert Orders.from_json(json.dumps(kept)) == ORDERS


def planned(**changes: object) -> PlannedFor:
    made = PlannedFor(0, 4.0, np.array([True, True]), emergency=False, running=True, mode=1, objective=Objective.COST)
    return replace(made, **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("changes", "shortfall", "reason"),
    [
        ({}, 0.0, None),
        ({"plant_ms": 900_000}, 0.0, "clock"),
        ({"target_mw": 6.0}, 0.0, "target changed"),
        ({"usable": np.array([True, False])}, 0.0, "assets changed"),
        ({"emergency": True}, 0.0, "emergency changed"),
        ({"mode": 0}, 0.0, "orders changed"),
        ({"objective": Objective.REVENUE}, 0.0, "orders changed"),
        ({"series_changes": 1}, 0.0, "series changed"),
        ({"plant_ms": 300_000}, 1.0, "shortfall"),
        ({"plant_ms": 100_000}, 1.0, None),
    ],
)
def test_a_new_schedule_is_asked_for_with_a_reason(
    changes: dict[str, object], shortfall: float, reason: str | None
) -> None:
    assert reason_to_plan(planned(), planned(**changes), 900.0, 25.0, shortfall) == reason


def test_without_a_plan_there_is_always_a_reason() -> None:
    assert reason_to_plan(None, planned(), 900.0, 25.0, 0.0) == "start"


@pytest.mark.parametrize(
    ("setpoint", "sent", "echo", "age", "worth"),
    [
        (5.0, np.nan, np.nan, np.inf, True),  # nothing told yet
        (5.0, np.nan, 3.0, np.inf, True),  # it was told something else before our time
        (5.0, np.nan, 5.0, np.inf, False),  # it already does
        (5.0, 5.005, 5.0, 1.0, False),  # inside the deadband
        (5.0, 4.9, 4.9, 1.0, True),
        (5.0, 5.0, 3.0, 1.0, False),  # the echo may still be on its way
        (5.0, 5.0, 3.0, 6.0, True),
        (5.0, 5.0, np.nan, 60.0, False),  # no echo is no disagreement
        (np.nan, 5.0, 3.0, 60.0, False),
    ],
)
def test_setpoints_worth_a_command(setpoint: float, sent: float, echo: float, age: float, worth: bool) -> None:
    told = worth_telling(*(np.array([x]) for x in (setpoint, sent, echo, 10.0, age)))
    assert told.tolist() == [worth]
