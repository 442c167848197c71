"""1,000 sessions of 50 points (25 analogs, 25 binaries), each polled every second, over as many TCP connections.

All masters in one process, all outstations in another. Memory is what either process grew by, from before its first
session (ours: points and database are made already, since every station has them) to the end.
"""

from functools import partial

from tests.benchmarks.dnp3_load import Load
from tests.benchmarks.dnp3_polls import OUR_MASTER, OUR_OUTSTATION, RIVAL_MASTER, RIVAL_OUTSTATION, rate
from tests.benchmarks.processes import alternated, free_ports, median_of, run_pair
from tests.benchmarks.row import Row

SESSIONS = 1000
SECONDS = 10.0
REPEATS = 3
_POINTS_OF_A_KIND = 25


def run() -> list[Row]:
    """Measure both fleets."""
    load = Load(free_ports(SESSIONS), SECONDS, _POINTS_OF_A_KIND, stations=SESSIONS)
    ours, rival = alternated(
        REPEATS,
        [
            partial(run_pair, OUR_OUTSTATION, OUR_MASTER, "fleet", load),
            partial(run_pair, RIVAL_OUTSTATION, RIVAL_MASTER, "fleet", load),
        ],
    )
    name = "opendnp3"
    figures = (
        ("", rate, "points/s"),
        ("_cpu", lambda run: run.cpu_s / SECONDS, "cores, both ends"),
        ("_cpu_masters", lambda run: run.master_cpu_s / SECONDS, "cores"),
        ("_cpu_outstations", lambda run: run.outstation_cpu_s / SECONDS, "cores"),
        ("_memory", lambda run: run.grown_mb / SESSIONS, "MB a pair"),
    )
    return [
        Row(f"dnp3_fleet{suffix}", median_of(ours, figure), median_of(rival, figure), name, unit)
        for suffix, figure, unit in figures
    ]
