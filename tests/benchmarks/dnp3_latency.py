"""How long a command takes from call to result, and an update from the outstation's call to the master's database.

Commands go one after another: a control block by select-before-operate, an analog by direct operate. Updates come one
at a time at uneven gaps of 2 to 6 ms and carry the time of their making as value. Every stack with itself, and each
with the other. The first tenth of each run is left out.
"""

import statistics
from collections.abc import Sequence
from functools import partial

from tests.benchmarks.dnp3_load import Load
from tests.benchmarks.dnp3_polls import OUR_MASTER, OUR_OUTSTATION, RIVAL_MASTER, RIVAL_OUTSTATION
from tests.benchmarks.processes import Run, alternated, free_ports, run_pair
from tests.benchmarks.row import Row

REPEATS = 3
_SECONDS = 3.0
_STAMPS = 800
_PAIRS = (
    ("", OUR_OUTSTATION, OUR_MASTER),
    ("_our_master", RIVAL_OUTSTATION, OUR_MASTER),
    ("_our_outstation", OUR_OUTSTATION, RIVAL_MASTER),
)
_RIVAL = (RIVAL_OUTSTATION, RIVAL_MASTER)


def run() -> list[Row]:
    """Measure each role with every pair."""
    rows: list[Row] = []
    for role, name, stamps in (
        ("select_before_operate", "select_before_operate", 0),
        ("direct_operate", "direct_operate", 0),
        ("stamps", "update_to_unsolicited", _STAMPS),
    ):
        load = Load(free_ports(), _SECONDS, points=10, stamps=stamps)
        pairs = [(outstation, master) for _, outstation, master in _PAIRS]
        sides = [partial(run_pair, outstation, master, role, load) for outstation, master in [*pairs, _RIVAL]]
        *ours, rival = alternated(REPEATS, sides)
        for (suffix, _, _), runs in zip(_PAIRS, ours, strict=True):
            for word, figure in (("median", 50), ("p99", 99)):
                full_name = f"dnp3_latency_{name}{suffix}_{word}"
                rows.append(
                    Row(full_name, percentile(runs, figure), percentile(rival, figure), "opendnp3 with itself", "µs")
                )
    return rows


def percentile(runs: Sequence[Run], percent: int) -> float:
    """The median over runs of this percentile of each."""
    found = []
    for run in runs:
        ages: list[float] = run.figures["ages_us"]
        found.append(statistics.quantiles(ages[len(ages) // 10 :], n=100)[percent - 1])
    return statistics.median(found)
