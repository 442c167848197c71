"""50,000 events a second for a minute, unsolicited, each stack with itself.

Every event has its running number as value: count and sum say whether each came, and came once. Ours carry flags and
time (g32v7); opendnp3's bindings can send none with time (g32v1).
"""

from collections.abc import Callable
from functools import partial

from tests.benchmarks.dnp3_load import FIRST_EVENT, Load
from tests.benchmarks.dnp3_polls import OUR_MASTER, OUR_OUTSTATION, RIVAL_MASTER, RIVAL_OUTSTATION
from tests.benchmarks.processes import Run, alternated, free_ports, median_of, run_pair
from tests.benchmarks.row import Row

EVENTS_PER_S = 50_000
SECONDS = 60.0
_POINTS = 1000


def run() -> list[Row]:
    """Measure the minute of either stack."""
    load = Load(free_ports(), SECONDS, _POINTS, events_per_s=EVENTS_PER_S)
    (ours,), (rival,) = alternated(
        1,
        [
            partial(run_pair, OUR_OUTSTATION, OUR_MASTER, "events", load),
            partial(run_pair, RIVAL_OUTSTATION, RIVAL_MASTER, "events", load),
        ],
    )
    name, rows = "opendnp3", []
    figures: dict[str, tuple[Callable[[Run], float], str]] = {
        "": (lambda run: run.figures["events"] / run.figures["seconds"], "events/s"),
        "_delivered": (lambda run: _delivered(run, load), "of 1"),
        "_cpu": (lambda run: run.cpu_s / SECONDS, "cores, both ends"),
        "_cpu_master": (lambda run: run.master_cpu_s / SECONDS, "cores"),
        "_cpu_outstation": (lambda run: run.outstation_cpu_s / SECONDS, "cores"),
    }
    for suffix, (figure, unit) in figures.items():
        rows.append(Row(f"dnp3_events{suffix}", median_of([ours], figure), median_of([rival], figure), name, unit))
    return rows


def _delivered(run: Run, load: Load) -> float:
    """Share of the events that came; 0 if what they say does not add up."""
    expected = sum(range(FIRST_EVENT, FIRST_EVENT + load.events))
    count = run.figures["events"]
    if count == load.events and run.figures["sum"] != expected:
        return 0.0
    return float(count / load.events)
