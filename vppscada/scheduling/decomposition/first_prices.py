"""Prices to begin with: those of a plant of few large assets that together are like the fleet."""

import numpy as np
from numpy.typing import NDArray

from vppscada.scheduling import mathopt
from vppscada.scheduling.decomposition.master import add_plant
from vppscada.scheduling.decomposition.plant import Open
from vppscada.scheduling.decomposition.stores import Stores
from vppscada.scheduling.decomposition.units import Units
from vppscada.scheduling.program import Index, Program

Column = NDArray[np.float64]

_UNIT_CLASSES, _STORE_CLASSES = 24, 4


def first_prices(units: Units, stores: Stores, plant: Open) -> tuple[Column, Column]:
    """Per MWh and per MW of reserve and hour (T,). Units give anything up to their rating at what full load costs."""
    program, hours = Program(), plant.hours
    rows = add_plant(program, plant)
    for members in _classes(units.full_load_cost, _UNIT_CLASSES):
        most = units.data.highest[members].sum(axis=0)
        given, held = program.block(most.shape, 0.0, most), program.block(most.shape)
        program.at_most(most.shape, most, (given, 1.0), (held, 1.0))
        program.add(rows.balance, given, 1.0)
        program.add(rows.reserve, held, 1.0)
        weight = units.data.highest[members, 0]
        program.price(given, hours * float(np.average(units.full_load_cost[members], weights=weight)))
    data = stores.data
    lasts = (data.most - data.least) / np.maximum(data.discharge_most, 1e-6)
    for members in _classes(lasts, _STORE_CLASSES):
        _add_store(program, rows.balance, rows.reserve, stores, members)
    answer = mathopt.run(mathopt.model_of(program.matrices()))
    if not answer.found or not len(answer.duals):
        return np.zeros(len(plant.owed)), np.zeros(len(plant.owed))
    return answer.duals[rows.balance] / hours, answer.duals[rows.reserve] / hours


def _add_store(program: Program, balance: Index, reserve: Index, stores: Stores, members: Index) -> None:
    data, steps, hours = stores.data, (stores.steps,), stores.hours
    size = data.most[members] + 1e-9
    into, out, keeps = (
        float(np.average(column[members], weights=size))
        for column in (data.charge_efficiency, data.discharge_efficiency, data.keeps)
    )
    charge = program.block(steps, 0.0, float(data.charge_most[members].sum()))
    discharge = program.block(steps, 0.0, float(data.discharge_most[members].sum()))
    stored = program.block(steps, float(data.least[members].sum()), float(data.most[members].sum()))
    before = np.zeros(steps)
    before[0] = keeps * float(np.clip(data.before[members], data.least[members], data.most[members]).sum())
    spilt = program.block(steps)
    change = program.equal(
        steps, before, (stored, 1.0), (charge, -hours * into), (discharge, hours / out), (spilt, 1.0)
    )
    program.add(change[1:], stored[:-1], -keeps)
    missing = program.block(steps, 0.0, np.arange(steps[0]) == steps[0] - 1)
    final = float(np.minimum(stores.final[members], data.most[members]).sum())
    last = program.at_least((1,), final, (stored[-1:], 1.0))
    program.add(last, missing[-1:], max(final, 1.0))
    program.price(missing, stores.final_price * max(final, 1.0))
    held = program.block(steps, 0.0, float(data.reserve_most[members, 0].sum()))
    program.at_most(steps, float(data.discharge_most[members].sum()), (held, 1.0), (discharge, 1.0), (charge, -1.0))
    program.add(balance, discharge, 1.0)
    program.add(balance, charge, -1.0)
    program.add(reserve, held, 1.0)
    program.price(discharge, hours * float(np.average(stores.wear[members], weights=size)))


def _classes(value: Column, count: int) -> list[Index]:
    """Places by classes of about the same number, low values first; none is empty."""
    order = np.argsort(value, kind="stable").astype(np.int64)
    return [part for part in np.array_split(order, count) if len(part)]
