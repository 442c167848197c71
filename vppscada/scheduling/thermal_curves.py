"""Fuel curves of thermal assets: what is produced above the minimum, in segments of rising cost."""

import numpy as np
from numpy.typing import NDArray

from vppscada.scheduling.program import Index, Limit, Program, Stage
from vppscada.scheduling.thermal import Thermal
from vppscada.scheduling.thermal_cuts import add_shifted, cut_after

Table = NDArray[np.float64]


def add_segments(program: Program, thermal: Thermal) -> None:
    """above = sum of the segments of a bent fuel curve, none of them used while off."""
    bent, segments = thermal.bent, thermal.segments
    shape = segments.shape[:2]
    rows = program.equal(shape, 0.0, (thermal.above[bent], -1.0), limit=Limit.CURVE)
    program.add(rows[:, :, None], segments, 1.0)
    width = thermal.data.segment_width[bent][:, None, :]
    on, stage = thermal.on[bent][:, :, None], thermal.data.plain_stage[bent][:, :, None]
    program.at_most(segments.shape, 0.0, (segments, 1.0), (on, -width), stage=stage)


def add_tight_segments(program: Program, thermal: Thermal) -> None:
    """Each segment ≤ its width × on, less where the power cannot reach it after a start or before a stop.

    Knueven et al. (2018). As costs rise from segment to segment, they are filled one after another at no loss, so that
    each is bounded by what is left of the power below it. Where a start and a stop may meet, each has a row.
    """
    data = thermal.data
    place = np.flatnonzero(data.slow[thermal.bent])
    slow = thermal.bent[place]
    brief = (data.minimum_up[slow] == 1)[:, None]
    right = np.cumsum(data.segment_width[slow], axis=1)
    for k in range(right.shape[1]):
        left = right[:, k] - data.segment_width[slow, k]
        reached = np.minimum(right[:, k][:, None], data.range_mw[slow])
        width = np.maximum(reached - left[:, None], 0.0)
        start_cut = np.minimum(cut_after(reached, data.start_room[slow], data.ramp_up[slow], 0), width)
        stop_cut = np.minimum(cut_after(reached, data.stop_room[slow], data.ramp_down[slow], 0), width)
        rows = _segment_rows(program, thermal, place, k, width)
        add_shifted(program, rows, thermal.start[slow], 0, start_cut)
        late = np.where(brief, np.maximum(stop_cut - start_cut, 0.0), stop_cut)
        add_shifted(program, rows, thermal.stop[slow], 1, late)
        both = np.flatnonzero((brief & (np.minimum(start_cut, stop_cut) > 0.0)).any(axis=1))
        rows = _segment_rows(program, thermal, place[both], k, width[both])
        add_shifted(program, rows, thermal.stop[slow[both]], 1, stop_cut[both])
        add_shifted(program, rows, thermal.start[slow[both]], 0, np.maximum(start_cut - stop_cut, 0.0)[both])


def _segment_rows(program: Program, thermal: Thermal, chosen: Index, k: int, width: Table) -> Index:
    """Segment k of some of the bent curves ≤ width × on."""
    on = thermal.on[thermal.bent[chosen]]
    return program.at_most(width.shape, 0.0, (thermal.segments[chosen, :, k], 1.0), (on, -width), stage=Stage.SEARCH)
