"""What leaves on behalf of the scheduler, and what must not."""

import asyncio

from tests.unit.control.build import ENGINE, POINTS, Device, Field, Records, Time, site
from vppscada.control.pipeline import ControlPipeline
from vppscada.model.assets import AssetStates, Fleet
from vppscada.model.commands import AnalogValue
from vppscada.plant.cycle import Decision, Plant, run_cycle
from vppscada.plant.fleet_view import asset_states, fleet_rows
from vppscada.plant.memory import Memory, Orders, PlantMode
from vppscada.station import teller as module
from vppscada.station.teller import Teller

FLEET = Fleet((ENGINE,))


class Rig:
    """One engine, the gate before it and the teller before that, on real time."""

    def __init__(self) -> None:
        self.field, self.device = Field(Time()), Device()
        self.records = Records(self.device)
        self.rows = fleet_rows(FLEET, POINTS)
        self.pipeline = ControlPipeline(site(), self.field.database, self.records, {"engine1": self.device})
        self.teller = Teller(FLEET, self.rows, self.field.database, self.pipeline, lambda: 1, 1.0)
        self.plant = Plant.of(FLEET, 60.0)
        self.field.healthy()

    @property
    def states(self) -> AssetStates:
        return asset_states(self.plant.columns, self.rows, self.field.database.value, self.field.database.quality)

    def decide(self, target_mw: float) -> Decision:
        orders = Orders(target_mw, PlantMode.FOLLOW, enabled=True)
        return run_cycle(self.plant, Memory.fresh(1, 0), self.states, orders, None, 0, 0.0, 1 / 3600)

    @property
    def sent_kw(self) -> list[float]:
        return [one.body.value for one in self.device.commands if isinstance(one.body, AnalogValue)]


async def test_a_setpoint_is_told_once() -> None:
    rig = Rig()
    for _ in range(3):
        rig.teller.tell(rig.decide(5.0), rig.states)
        await rig.teller.drain()
    assert rig.sent_kw == [5000.0] and rig.teller.sent == 1


async def test_what_was_queued_when_the_plant_was_disabled_does_not_leave() -> None:
    rig = Rig()
    rig.teller.tell(rig.decide(5.0), rig.states)  # its task has not run yet
    rig.teller.permitted = False
    await rig.teller.drain()
    assert rig.device.commands == [] and rig.records.records == []
    assert rig.teller.statistics["withheld"] == 1


async def test_enabled_again_it_tells_what_somebody_else_may_have_changed() -> None:
    rig = Rig()
    rig.teller.tell(rig.decide(5.0), rig.states)
    await rig.teller.drain()
    rig.teller.forget()
    await asyncio.sleep(0.11)  # the pace of the gate
    rig.teller.tell(rig.decide(5.0), rig.states)
    await rig.teller.drain()
    assert rig.sent_kw == [5000.0, 5000.0]


async def test_a_stop_right_after_a_setpoint_still_zeroes() -> None:
    rig = Rig()
    rig.teller.tell(rig.decide(5.0), rig.states)
    await rig.teller.rest()
    assert rig.sent_kw == [5000.0, 0.0]


async def test_a_decision_that_has_grown_old_does_not_leave() -> None:
    rig = Rig()
    module_life, module._LIFETIME_S = module._LIFETIME_S, 0.0
    try:
        rig.teller.tell(rig.decide(5.0), rig.states)
        await rig.teller.drain()
    finally:
        module._LIFETIME_S = module_life
    assert rig.device.commands == [] and rig.pipeline.statistics["refused_expired"] == 1


async def test_nobody_is_told_by_values_of_before_the_restart() -> None:
    rig = Rig()
    database = rig.field.database
    rig.field.database.comm_lost(list(range(len(POINTS))), 0)
    decision = rig.decide(5.0)
    rig.teller.tell(decision, rig.states)
    await rig.teller.drain()
    assert rig.device.commands == [] and rig.pipeline.statistics["commands_refused"] == 0
    assert database.value[0] == 0.0  # known, but from before
