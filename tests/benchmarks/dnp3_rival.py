"""opendnp3's master as a process of a benchmark: ``python -m tests.benchmarks.dnp3_rival ROLE LOAD``.

Its handler fills a dict for each kind, of index → (value, flags, time), or of index → value where the load says so.
Roles and lines are those of `dnp3_our_master`.
"""

import sys
import threading
import time
from collections.abc import Callable
from typing import Any

import opendnp3

from tests.benchmarks.dnp3_load import (
    MASTER_ADDRESS,
    OUTSTATION_ADDRESS,
    WARM_UP_S,
    Load,
    age_us,
    say,
    say_base,
    say_figures,
    wait_for_end,
)

_PATIENCE_S = 5.0  # for the last events


class Taker(opendnp3.ISOEHandler):  # type: ignore[misc]
    """Keeps what comes, and counts."""

    def __init__(self) -> None:
        super().__init__()
        self.tables: dict[str, dict[int, object]] = {}
        self.readings = 0
        self.sum = 0.0
        self.last_at = 0.0
        self.ages_us: list[float] = []

    def BeginFragment(self, info: object) -> None:  # noqa: N802
        pass

    def EndFragment(self, info: object) -> None:  # noqa: N802
        pass

    def Process(self, info: object, values: list[Any]) -> None:  # noqa: N802
        if not values:
            return
        table = self.tables.setdefault(type(values[0]).__name__, {})
        for item in values:
            reading = item.value
            table[item.index] = (reading.value, reading.flags.value, reading.time.value)
        self.count(values)

    def count(self, values: list[Any]) -> None:
        self.readings += len(values)
        self.last_at = time.perf_counter()


class ValueTaker(Taker):
    """Keeps values only."""

    def Process(self, info: object, values: list[Any]) -> None:  # noqa: N802
        if not values:
            return
        table = self.tables.setdefault(type(values[0]).__name__, {})
        for item in values:
            table[item.index] = item.value.value
        self.count(values)


class EventTaker(Taker):
    """Also sums what the events say, to know that each came once."""

    def Process(self, info: object, values: list[Any]) -> None:  # noqa: N802
        table = self.tables.setdefault("events", {})
        total = 0.0
        for item in values:
            reading = item.value
            value = reading.value
            table[item.index] = (value, reading.flags.value, reading.time.value)
            total += value
        self.sum += total
        self.count(values)


class StampTaker(Taker):
    """Also reads the stamps."""

    def Process(self, info: object, values: list[Any]) -> None:  # noqa: N802
        super().Process(info, values)
        if len(values) == 1:
            self.ages_us.append(age_us(values[0].value.value))


class Application(opendnp3.IMasterApplication):  # type: ignore[misc]
    """Says when a task of ours is done, and whether it succeeded."""

    def __init__(self) -> None:
        super().__init__()
        self.on_user_task: Callable[[bool], None] = lambda _: None

    def OnTaskComplete(self, info: Any) -> None:  # noqa: N802
        if str(info.type).endswith("USER_TASK"):
            self.on_user_task(str(info.result).endswith("SUCCESS"))

    def OnTaskStart(self, *arguments: object) -> None:  # noqa: N802
        pass

    def OnReceiveIIN(self, iin: object) -> None:  # noqa: N802
        pass

    def OnOpen(self) -> None:  # noqa: N802
        pass

    def OnClose(self) -> None:  # noqa: N802
        pass

    def AssignClassDuringStartup(self) -> bool:  # noqa: N802
        return False

    def Now(self) -> object:  # noqa: N802
        return opendnp3.UTCTimestamp(time.time_ns() // 1_000_000)


class Stack:
    """A manager with one thread and its masters, kept from the collector."""

    def __init__(self, load: Load) -> None:
        self._load = load
        self._manager = opendnp3.DNP3Manager(1)
        self._kept: list[object] = []

    def master(self, taker: Taker, number: int = 0) -> tuple[Any, Application]:
        """Connected and enabled."""
        application = Application()
        channel = self._manager.AddTCPClient(
            f"bench_{number}",
            opendnp3.LogLevels(0),
            opendnp3.ChannelRetry.Default(),
            [opendnp3.IPEndpoint("127.0.0.1", self._load.port + number)],
            "0.0.0.0",
            None,
        )
        config = opendnp3.MasterStackConfig()
        config.link.LocalAddr, config.link.RemoteAddr = MASTER_ADDRESS, OUTSTATION_ADDRESS
        config.master.maxRxFragSize = self._load.fragment
        master = channel.AddMaster(f"bench_{number}", taker, application, config)
        self._kept += [channel, application, taker, master]
        return master, application


def enable(master: Any, taker: Taker) -> None:
    """Until its first integrity poll brought something."""
    master.Enable()
    while not taker.readings:
        time.sleep(0.05)


def polls(load: Load) -> None:
    taker: Taker = ValueTaker() if load.values_only else Taker()
    stack = Stack(load)
    master, application = stack.master(taker)

    def poll_again(_: bool) -> None:
        master.ScanClasses(opendnp3.ClassField.AllClasses(), taker)

    enable(master, taker)
    application.on_user_task = poll_again
    poll_again(True)
    time.sleep(WARM_UP_S)
    say("begin")
    before, began = taker.readings, taker.last_at
    time.sleep(load.seconds)
    say_figures(readings=taker.readings - before, seconds=taker.last_at - began)


def events(load: Load) -> None:
    taker = EventTaker()
    stack = Stack(load)
    master, _ = stack.master(taker)
    enable(master, taker)
    time.sleep(WARM_UP_S)  # unsolicited responses are enabled after the poll
    taker.readings, taker.sum = 0, 0.0
    say("begin")
    began = taker.last_at = time.perf_counter()
    while taker.readings < load.events and time.perf_counter() - taker.last_at < _PATIENCE_S:
        time.sleep(0.05)
    say_figures(events=taker.readings, sum=taker.sum, seconds=taker.last_at - began)


def stamps(load: Load) -> None:
    taker = StampTaker()
    stack = Stack(load)
    master, _ = stack.master(taker)
    enable(master, taker)
    time.sleep(WARM_UP_S)
    say("begin")
    while len(taker.ages_us) < load.stamps:
        time.sleep(0.05)
    say_figures(ages_us=taker.ages_us)


def commands(load: Load, send: Callable[[Any, Callable[[Any], None]], None]) -> None:
    """The next command is sent when the result of one is there, in the manager's thread: its quickest way."""
    taker = Taker()
    stack = Stack(load)
    master, _ = stack.master(taker)
    enable(master, taker)
    time.sleep(WARM_UP_S)
    say("begin")
    took_us: list[float] = []
    began, until = time.perf_counter(), time.perf_counter() + load.seconds
    over = False

    def done(result: Any) -> None:
        nonlocal began, over
        points = result.to_list()
        now = time.perf_counter()
        if len(points) == 1 and points[0].status == opendnp3.CommandStatus.SUCCESS:
            took_us.append((now - began) * 1e6)
        over = now >= until
        began = now
        if not over:
            send(master, done)

    send(master, done)
    while not over:
        time.sleep(0.05)
    say_figures(ages_us=took_us)


def select_before_operate(load: Load) -> None:
    block = opendnp3.ControlRelayOutputBlock(opendnp3.OperationType.LATCH_ON)
    commands(load, lambda master, done: master.SelectAndOperate(block, 0, done))


def direct_operate(load: Load) -> None:
    value = opendnp3.AnalogOutputFloat32(12.5)
    commands(load, lambda master, done: master.DirectOperate(value, 0, done))


def fleet(load: Load) -> None:
    stack = Stack(load)
    say_base()
    takers = [Taker() for _ in range(load.stations)]
    for n, taker in enumerate(takers):
        master, _ = stack.master(taker, n)
        master.AddClassScan(opendnp3.ClassField.AllClasses(), opendnp3.TimeDuration.Seconds(1), taker)
        master.Enable()
    while not all(taker.readings for taker in takers):
        time.sleep(0.05)
    time.sleep(WARM_UP_S)
    say("begin")
    before = sum(taker.readings for taker in takers)
    time.sleep(load.seconds)
    say_figures(readings=sum(taker.readings for taker in takers) - before, seconds=load.seconds)


ROLES = {
    "polls": polls,
    "events": events,
    "stamps": stamps,
    "select_before_operate": select_before_operate,
    "direct_operate": direct_operate,
    "fleet": fleet,
}

if __name__ == "__main__":
    threading.Thread(target=wait_for_end, daemon=True).start()
    ROLES[sys.argv[1]](Load.of_argument(sys.argv[2]))
    time.sleep(3600.0)  # until it is killed: its manager hangs at interpreter exit
