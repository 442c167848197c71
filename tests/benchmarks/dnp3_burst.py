"""How fast a burst of events decodes, without a network.

Octets of full frames → link, transport, application, mapping → events in the points database, on one core.
"""

import time
from collections import Counter

import numpy as np

from protocols.dnp3.addresses import Dnp3Address
from protocols.dnp3.application import Control, Function, Indication, build_response
from protocols.dnp3.link import LinkAddresses, LinkLayer
from protocols.dnp3.master.config import Dnp3SessionSettings
from protocols.dnp3.master.core import Master
from protocols.dnp3.master.exchange import Deliver
from protocols.dnp3.master.mapping import PointMapping
from protocols.dnp3.objects import ObjectColumns, build_events, form_of
from protocols.dnp3.transport import Reassembler, segments
from tests.benchmarks.dnp3_load import MASTER_ADDRESS, OUTSTATION_ADDRESS
from tests.benchmarks.row import Row
from vppscada.model.points import Point, PointKind, RowPoint
from vppscada.points.database import Database

_POINTS = 1000
_FRAGMENTS = 400
_ROUNDS = 5
_FRAGMENT = 2048
_READ = 65_536  # octets that a socket hands over at once
_TIME_MS = 1_700_000_000_000


def run() -> list[Row]:
    """Measure analogs with flags and time, then binaries."""
    return [
        Row("dnp3_burst_g32v7", _burst(32, 7), None, "", "events/s"),
        Row("dnp3_burst_g2v2", _burst(2, 2), None, "", "events/s"),
    ]


def _burst(group: int, variation: int) -> float:
    """The best of some rounds: events per second from octets into the database."""
    return max(_round(group, variation) for _ in range(_ROUNDS))


def _round(group: int, variation: int) -> float:
    octets, count = _octets(group, variation)
    kind = PointKind.ANALOG_INPUT if group == 32 else PointKind.BINARY_INPUT
    points = [Point(f"bench.{i}", kind, scale=2.0, deadband=0.1, address=Dnp3Address(i)) for i in range(_POINTS)]
    statistics: Counter[str] = Counter()
    database = Database(points)
    mapping = PointMapping([RowPoint(row, point) for row, point in enumerate(points)], statistics)
    master = Master(Dnp3SessionSettings("127.0.0.1"), mapping, statistics, 0.0)
    link = LinkLayer(LinkAddresses(MASTER_ADDRESS, OUTSTATION_ADDRESS, is_master=True), statistics)
    reassembler = Reassembler(statistics)
    began = time.perf_counter()
    for start in range(0, len(octets), _READ):
        arrived, _ = link.receive(octets[start : start + _READ])
        for segment in arrived:
            fragment = reassembler.push(segment)
            if fragment is not None:
                master.receive(fragment, 0.0, 1)
                while master.effects:
                    effect = master.effects.popleft()
                    if isinstance(effect, Deliver):
                        database.apply(effect.batch)
    took_s = time.perf_counter() - began
    assert database.statistics["events_applied"] == count, "the burst was not taken whole"
    return count / took_s


def _octets(group: int, variation: int) -> tuple[bytes, int]:
    """Frames of many unsolicited responses full of events, and how many events they are."""
    addresses = LinkAddresses(OUTSTATION_ADDRESS, MASTER_ADDRESS, is_master=False)
    link = LinkLayer(addresses, Counter())
    form, room = form_of(group, variation), _FRAGMENT - 4
    pieces: list[bytes] = []
    total = transport = 0
    for number in range(_FRAGMENTS):
        n = np.arange(total, total + room // form.size)
        columns = ObjectColumns(
            (n % _POINTS).astype(np.uint32),
            (n % 2 + number).astype(np.float64),
            np.full(len(n), 1, np.uint8),
            1_700_000_000_000 + n,
        )
        body, count = build_events(form, columns, room)
        control = Control(number % 16, confirm=True, unsolicited=True)
        cut = segments(build_response(control, Function.UNSOLICITED_RESPONSE, Indication.NONE, body), transport)
        transport = (transport + len(cut)) % 64
        pieces += [link.send(segment) for segment in cut]
        total += count
    return b"".join(pieces), total
