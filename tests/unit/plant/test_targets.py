"""The target that is followed: the plant's ramp, and regulation on top of it."""

from dataclasses import replace

import numpy as np
import pytest

from tests.unit.plant.fleets import FLEET, states
from tests.unit.plant.schedules import schedule
from vppscada.model.commands import CommandStatus
from vppscada.plant.cycle import Decision, Plant, run_cycle
from vppscada.plant.memory import Memory, Orders, PlantMode
from vppscada.plant.orders import REGULATION_COMMAND, OrderRefused, apply_order

PLAN = replace(
    schedule(on=[[True] * 4] * 4, power=[[4.0] * 4, [2.0] * 4, [1.0] * 4, [0.0] * 4]),
    stored_mwh=np.array([[0.0] * 4, [0.0] * 4, [4.74] * 4, [0.25] * 4]),
)
FOLLOW = Orders(7.0, PlantMode.FOLLOW, enabled=True)
PERIOD_S = 2.0


def cycle(plant: Plant, memory: Memory, power: list[float], orders: Orders, at_s: float) -> Decision:
    now = states(FLEET, power_mw=power, available_mw=[10, 2, 5, 2])
    return run_cycle(plant, memory, now, orders, PLAN, round(at_s * 1000), at_s, PERIOD_S / 3600)


def test_the_target_is_approached_no_faster_than_the_plants_ramp_from_what_it_does() -> None:
    plant = Plant.of(FLEET, 60.0, ramp_mw_per_min=3.0)
    orders = replace(FOLLOW, target_mw=10.0)
    memory, followed = Memory.fresh(4, 0), []
    for step in range(1, 40):
        decision = cycle(plant, memory, [4, 2, 1, 0], orders, step * PERIOD_S)
        memory = decision.memory
        followed.append(decision.dispatch.target_mw)
        assert decision.wanted.ordered_mw == 10.0
    assert followed[:3] == pytest.approx([7.1, 7.2, 7.3])
    assert followed[29:] == pytest.approx([10.0] * 10)
    assert cycle(plant, memory, [4, 2, 1, 0], replace(orders, target_mw=0.0), 80.0).dispatch.target_mw == 9.9


def test_without_a_ramp_the_order_is_followed_at_once() -> None:
    assert cycle(Plant.of(FLEET, 60.0), Memory.fresh(4, 0), [4, 2, 1, 0], FOLLOW, 2.0).dispatch.target_mw == 7.0


def test_regulation_is_taken_by_fast_storage_and_then_by_the_battery() -> None:
    plant = Plant.of(FLEET, 60.0, regulation_mw=3.0)
    for signal, moved in ((0.5, [0.0, 1.5]), (1.0, [1.0, 2.0]), (-1.0, [-1.0, -2.0])):
        decision = cycle(plant, Memory.fresh(4, 0), [4, 2, 1, 0], replace(FOLLOW, regulation=signal), 0.0)
        told = decision.dispatch.setpoint_mw
        assert decision.dispatch.target_mw == 7.0 and decision.wanted.regulation_mw == 3.0 * signal
        assert told[0] == pytest.approx(4.0)
        assert (told[2:] - [1.0, 0.0]).tolist() == pytest.approx(moved, abs=1e-6)


def test_a_plant_at_rest_and_one_without_a_signal_do_not_regulate() -> None:
    plant = Plant.of(FLEET, 60.0, regulation_mw=3.0)
    assert cycle(plant, Memory.fresh(4, 0), [4, 2, 1, 0], FOLLOW, 0.0).wanted.regulation_mw is None
    resting = replace(FOLLOW, running=False, regulation=1.0)
    assert cycle(plant, Memory.fresh(4, 0), [4, 2, 1, 0], resting, 0.0).wanted.regulation_mw is None


def test_a_plant_that_answers_its_signal_scores_well() -> None:
    plant = Plant.of(FLEET, 60.0, regulation_mw=2.0)
    memory, power = Memory.fresh(4, 0), [4.0, 2.0, 1.0, 0.0]
    for step in range(600):
        signal = float(np.sin(step / 40.0))
        decision = cycle(plant, memory, power, replace(FOLLOW, regulation=signal), step * PERIOD_S)
        memory = decision.memory
        power = np.where(np.arange(4) == 1, 2.0, decision.dispatch.setpoint_mw).tolist()
    told = memory.scoreboard.scores
    assert min(told.accuracy, told.delay, told.precision) > 0.97


@pytest.mark.parametrize(
    ("value", "offered", "status"),
    [
        (1.01, 2.0, CommandStatus.OUT_OF_RANGE),
        (float("nan"), 2.0, CommandStatus.OUT_OF_RANGE),
        (0.5, 0.0, CommandStatus.NOT_SUPPORTED),
    ],
)
def test_a_signal_that_makes_no_sense_is_refused(value: float, offered: float, status: CommandStatus) -> None:
    refused = apply_order(FOLLOW, REGULATION_COMMAND, value, 0.0, 10.0, offered)
    assert isinstance(refused, OrderRefused) and refused.status is status


def test_a_signal_is_an_order_that_no_restart_goes_on_with() -> None:
    taken = apply_order(FOLLOW, REGULATION_COMMAND, -0.5, 0.0, 10.0, 2.0)
    assert isinstance(taken, Orders) and taken.regulation == -0.5
    assert Orders.from_json(taken.to_json()).regulation is None


def test_regulation_that_is_out_of_reach_is_told_but_is_no_outage() -> None:
    plant = Plant.of(FLEET, 60.0, regulation_mw=30.0)
    memory = Memory.fresh(4, 0)
    for second in range(0, 200, 2):
        decision = cycle(plant, memory, [4, 2, 1, 0], replace(FOLLOW, regulation=1.0), float(second))
        memory = decision.memory
    assert decision.dispatch.shortfall_mw > 10.0
    assert not memory.emergency
