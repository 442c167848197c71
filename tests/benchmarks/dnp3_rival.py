"""opendnp3's master polling back to back: ``python -m tests.benchmarks.dnp3_rival ROLE PORT SECONDS``.

As ``values`` its handler fills a dict of index → value for each kind, as ``full`` of index → (value, flags, time);
as ``sbo`` it selects and operates a control block again and again.
"""

import os
import sys
import time
from typing import Any

import opendnp3

from tests.benchmarks.meter import Meter

OUTSTATION, MASTER = 10, 1


class Readings(opendnp3.ISOEHandler):  # type: ignore[misc]
    """Keeps what comes."""

    def __init__(self, meter: Meter, value_only: bool) -> None:
        super().__init__()
        self.tables: dict[str, dict[int, object]] = {}
        self._meter = meter
        self._value_only = value_only

    def BeginFragment(self, info: object) -> None:  # noqa: N802
        pass

    def EndFragment(self, info: object) -> None:  # noqa: N802
        pass

    def Process(self, info: object, values: list[Any]) -> None:  # noqa: N802
        if not values:
            return
        table = self.tables.setdefault(type(values[0]).__name__, {})
        if self._value_only:
            for item in values:
                table[item.index] = item.value.value
        else:
            for item in values:
                reading = item.value
                table[item.index] = (reading.value, reading.flags.value, reading.time.value)
        self._meter.count(len(values))


class Application(opendnp3.IMasterApplication):  # type: ignore[misc]
    """Begins the next poll when one is done."""

    def __init__(self, readings: Readings) -> None:
        super().__init__()
        self.readings = readings
        self.master: Any = None
        self.polling = False

    def OnTaskComplete(self, info: Any) -> None:  # noqa: N802
        if str(info.type).endswith("USER_TASK"):
            self.polling = str(info.result).endswith("SUCCESS")
            if self.polling:
                self.poll()

    def poll(self) -> None:
        """Ask for everything."""
        self.polling = True
        self.master.ScanClasses(opendnp3.ClassField.AllClasses(), self.readings)

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


class Commands:
    """Sends the next command when the result of one is there."""

    def __init__(self, master: Any, meter: Meter) -> None:
        self._master = master
        self._meter = meter
        self._block = opendnp3.ControlRelayOutputBlock(opendnp3.OperationType.LATCH_ON)

    def send(self) -> None:
        self._master.SelectAndOperate(self._block, 0, self._done)

    def _done(self, result: Any) -> None:
        points = result.to_list()
        if len(points) == 1 and points[0].status == opendnp3.CommandStatus.SUCCESS:
            self._meter.count(1)
            self.send()


def main(role: str, port: int, seconds: float) -> None:
    meter = Meter(seconds)
    readings = Readings(meter, role == "values")
    application = Application(readings)
    manager = opendnp3.DNP3Manager(1)
    endpoint = opendnp3.IPEndpoint("127.0.0.1", port)
    channel = manager.AddTCPClient(
        "bench", opendnp3.LogLevels(0), opendnp3.ChannelRetry.Default(), [endpoint], "0.0.0.0", None
    )
    config = opendnp3.MasterStackConfig()
    config.link.LocalAddr, config.link.RemoteAddr = MASTER, OUTSTATION
    application.master = channel.AddMaster("bench", readings, application, config)
    application.master.Enable()
    while not readings.tables:
        time.sleep(0.05)
    if role == "sbo":
        Commands(application.master, meter).send()
    while not meter.is_over:
        time.sleep(0.05)
        if role != "sbo" and not application.polling:
            application.poll()
    print(meter.rate(), flush=True)
    os._exit(0)  # its manager hangs at interpreter exit


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]))
