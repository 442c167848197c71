"""How long an outstation's master waits for an answer while other peers of the same process attack it.

One process holds an outstation that is asked (10 points), another one of 2,000 points under attack, and a master
session whose outstation is hostile. The attackers, a process each, send as fast as they are read. What is asked is
a read of class 0; the figure is the longest delay of all answers. The rival is the same without an attack. Attackers
run at the lowest priority: what is measured is the victim's attention, not its share of the machine.

``python -m tests.benchmarks.dnp3_answer_delay serve PORT`` · ``attack NAME PORT``
"""

import asyncio
import contextlib
import os
import socket
import sys
import threading
import time
from collections.abc import Iterator

from tests.benchmarks.dnp3_load import keep_quiet, say
from tests.benchmarks.processes import free_ports, started
from tests.benchmarks.row import Row
from tests.fuzz.hostile import AGAINST_MASTER, AGAINST_OUTSTATION, MASTER, OUTSTATION, chunk
from tests.fuzz.reference import frame

_ANSWERS = 500
_GAP_S = 0.005
_POINTS_ATTACKED = 2_000
_CHUNK = 16_384
_SOCKETS = 64
#: Attacks that are a way of sending and not what is sent.
_WAYS = ("one_octet_at_a_time", "half_open", "never_reading")
ATTACKS = (*AGAINST_OUTSTATION, *AGAINST_MASTER, *_WAYS)


def run() -> list[Row]:
    """Measure in calm, and under every attack by itself."""
    calm = max(delays_ms(""))
    worst = {name: max(delays_ms(name)) for name in ATTACKS}
    rows = [Row("dnp3_answer_delay_under_attack_ms", max(worst.values()), calm, "in calm; longest of 500", "ms")]
    rows += [
        Row(f"dnp3_answer_delay_under_attack_ms_{name}", longest, calm, "in calm; longest of 500", "ms")
        for name, longest in worst.items()
    ]
    return rows


def delays_ms(attack: str) -> list[float]:
    """The delay of every answer."""
    port = free_ports(3)
    with contextlib.ExitStack() as stack:
        if attack in AGAINST_MASTER:
            stack.enter_context(started(__name__, "attack", attack, str(port))).until("attacking")
        server = stack.enter_context(started(__name__, "serve", str(port)))
        server.until("ready")
        if attack and attack not in AGAINST_MASTER:
            stack.enter_context(started(__name__, "attack", attack, str(port))).until("attacking")
        time.sleep(0.5)  # the attack is under way
        return [delay * 1000 for delay in ask(port)]


def ask(port: int) -> list[float]:
    """Seconds from request to answer, one after another."""
    delays = []
    with socket.create_connection(("127.0.0.1", port), timeout=20) as master:
        master.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for number in range(_ANSWERS + 10):
            request = frame(0xC4, OUTSTATION, MASTER, bytes((0xC0, 0xC0 | number % 16)) + bytes.fromhex("01 3C 01 06"))
            began = time.perf_counter()
            master.sendall(request)
            while not _is_answer(master.recv(65536), number % 16):
                pass
            delays.append(time.perf_counter() - began)
            time.sleep(_GAP_S)
    return delays[10:]


def _is_answer(octets: bytes, sequence: int) -> bool:
    if not octets:
        raise RuntimeError("the outstation closed the connection")
    return octets[11] & 0x1F == sequence and octets[12] == 0x81


# the process that is attacked


async def _serve(port: int) -> None:
    from protocols.dnp3 import DRIVER
    from protocols.dnp3.addresses import Dnp3Address
    from protocols.dnp3.master.config import Dnp3SessionSettings
    from protocols.dnp3.outstation.config import Dnp3OutstationSettings
    from tests.benchmarks.dnp3_our_outstation import Obeys
    from vppscada.model.batch import Batch
    from vppscada.model.points import Point, PointKind, RowPoint
    from vppscada.model.sessions import SessionLost

    def points(count: int) -> list[RowPoint]:
        kind = PointKind.ANALOG_INPUT
        return [RowPoint(n, Point(f"bench.a{n}", kind, event_class=1, address=Dnp3Address(n))) for n in range(count)]

    class Listener:
        def on_connected(self) -> None: ...

        def on_started(self) -> None: ...

        def on_batch(self, batch: Batch) -> None: ...

        async def settled(self) -> None: ...

    for n, count in enumerate((10, _POINTS_ATTACKED)):
        settings = Dnp3OutstationSettings("127.0.0.1", port + n, OUTSTATION, MASTER, unsolicited=False)
        await DRIVER.outstation(f"bench_{n}", settings, points(count), Obeys(), None).start()
    session = DRIVER.session("bench", Dnp3SessionSettings("127.0.0.1", port + 2), points(20))
    say("ready")
    while True:
        with contextlib.suppress(SessionLost):
            await session.run(Listener())
        await asyncio.sleep(0.05)


# an attacker


def _attack(name: str, port: int) -> None:
    if name in AGAINST_MASTER:
        _wait_for_victims(name, port + 2)
    threads = 8 if name in _WAYS else 1
    say("attacking")
    for _ in range(threads - 1):
        threading.Thread(target=_forever, args=(name, port + 1), daemon=True).start()
    _forever(name, port + 1)


def _forever(name: str, port: int) -> None:
    while True:
        with contextlib.suppress(OSError):
            _once(name, port)


def _once(name: str, port: int) -> None:
    if name == "half_open":
        open_sockets = [socket.create_connection(("127.0.0.1", port)) for _ in range(_SOCKETS)]
        open_sockets[0].sendall(b"\x05")
        for one in open_sockets:
            one.close()
        return
    with socket.create_connection(("127.0.0.1", port)) as peer:
        peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if name == "one_octet_at_a_time":
            for octet in chunk(AGAINST_OUTSTATION["reads"](), _CHUNK):
                peer.sendall(bytes((octet,)))
        elif name == "never_reading":
            _pour(peer, AGAINST_OUTSTATION["reads"](), reading=False)
        else:
            _pour(peer, AGAINST_OUTSTATION[name](), reading=True)


def _pour(peer: socket.socket, stream: Iterator[bytes], *, reading: bool) -> None:
    """Send as fast as the peer reads; with ``reading``, what it answers is thrown away."""
    octets = chunk(stream, _CHUNK)
    if reading:
        threading.Thread(target=_swallow, args=(peer,), daemon=True).start()
    while True:
        peer.sendall(octets)


def _swallow(peer: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while peer.recv(65536):
            pass


def _wait_for_victims(name: str, port: int) -> None:
    with socket.create_server(("127.0.0.1", port)) as server:
        say("attacking")
        while True:
            victim, _ = server.accept()
            with victim, contextlib.suppress(OSError):
                _pour(victim, AGAINST_MASTER[name](), reading=True)


if __name__ == "__main__":
    keep_quiet()
    if sys.argv[1] == "serve":
        from vppscada.station import runtime

        runtime.run(_serve(int(sys.argv[2])))
    else:
        os.nice(19)
        _attack(sys.argv[2], int(sys.argv[3]))
