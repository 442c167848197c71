"""Integrity polls of 10,000 analogs and 10,000 binaries, back to back: our stack beside opendnp3's.

Ours decodes, scales, checks limits and deadbands, and keeps value, quality, source time, time quality and received
time of every point in the points database; opendnp3's fills a Python dict by its binding's callbacks with value, flags
and time. Pairs of each stack with itself, and each master with the other's outstation; with fragments of 2048 octets,
the usual limit, and with as large ones as both can be set to.

``_cpu`` rows are points for each second of processor time of both ends: what else the machine does weighs less there.
"""

from functools import partial

from tests.benchmarks.dnp3_load import Load
from tests.benchmarks.processes import Run, alternated, free_ports, median_of, run_pair
from tests.benchmarks.row import Row

OUR_MASTER, OUR_OUTSTATION = "tests.benchmarks.dnp3_our_master", "tests.benchmarks.dnp3_our_outstation"
RIVAL_MASTER, RIVAL_OUTSTATION = "tests.benchmarks.dnp3_rival", "tests.benchmarks.dnp3_rival_outstation"
SECONDS = 3.0
REPEATS = 3
LARGE_FRAGMENT = 65_000
#: Name, our run, the rival's run: (outstation, master, fragment, further words of the load).
_PAIRS = (
    ("", OUR_OUTSTATION, RIVAL_OUTSTATION, 2048, 0.0),
    ("_from_opendnp3_outstation", RIVAL_OUTSTATION, RIVAL_OUTSTATION, 2048, 0.0),
    ("_from_our_outstation", OUR_OUTSTATION, OUR_OUTSTATION, 2048, 0.0),
    ("_all_analogs_swinging", OUR_OUTSTATION, RIVAL_OUTSTATION, 2048, 0.2),
    ("_large_fragments", OUR_OUTSTATION, RIVAL_OUTSTATION, LARGE_FRAGMENT, 0.0),
    ("_large_fragments_from_opendnp3_outstation", RIVAL_OUTSTATION, RIVAL_OUTSTATION, LARGE_FRAGMENT, 0.0),
)


def run() -> list[Row]:
    """Measure every pair."""
    return [row for pair in _PAIRS for row in _rows(*pair)]


def _rows(name: str, our_peer: str, rival_peer: str, fragment: int, swing_s: float) -> list[Row]:
    load = Load(free_ports(), SECONDS, fragment=fragment)
    swinging = Load(load.port, SECONDS, fragment=fragment, swing_s=swing_s)
    ours, rival = alternated(
        REPEATS,
        [
            partial(run_pair, our_peer, OUR_MASTER, "polls", swinging),
            partial(run_pair, rival_peer, RIVAL_MASTER, "polls", load),
        ],
    )
    rival_name = "opendnp3: value, flags, time"
    return [
        Row(f"dnp3_polls{name}", median_of(ours, rate), median_of(rival, rate), rival_name, "points/s"),
        Row(f"dnp3_polls{name}_cpu", median_of(ours, by_cpu), median_of(rival, by_cpu), rival_name, "points/CPU-s"),
    ]


def rate(run: Run) -> float:
    """Readings per second of the wall clock."""
    return float(run.figures["readings"] / run.figures["seconds"])


def by_cpu(run: Run) -> float:
    """Readings per second of processor time, both ends."""
    return float(run.figures["readings"] / run.cpu_s)
