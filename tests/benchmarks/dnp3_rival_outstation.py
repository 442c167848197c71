"""opendnp3's outstation as a process of a benchmark: ``python -m tests.benchmarks.dnp3_rival_outstation LOAD``.

Its bindings can set no point's variation, class or deadband: analogs go out as 32-bit integers, events without time.
"""

import sys
import time
from typing import Any

import opendnp3

from tests.benchmarks.dnp3_load import (
    FIRST_EVENT,
    MASTER_ADDRESS,
    OUTSTATION_ADDRESS,
    Load,
    say,
    say_base,
    stamp,
    stamp_gap_s,
    wait_for_end,
    wait_for_go,
)

_TICK_S = 0.01
_LARGEST_BUFFER = 65_535
_ONLINE = opendnp3.Flags(0x01)


class Application(opendnp3.IOutstationApplication):  # type: ignore[misc]
    """Has nothing to say."""

    def GetApplicationIIN(self) -> object:  # noqa: N802
        return opendnp3.ApplicationIIN()


class Obeys(opendnp3.ICommandHandler):  # type: ignore[misc]
    """Takes every command at once."""

    def Begin(self) -> None:  # noqa: N802
        pass

    def End(self) -> None:  # noqa: N802
        pass

    def Select(self, command: object, index: int) -> object:  # noqa: N802
        return opendnp3.CommandStatus.SUCCESS

    def Operate(self, command: object, index: int, handler: object, via: object) -> object:  # noqa: N802
        return opendnp3.CommandStatus.SUCCESS


def stack_config(load: Load) -> Any:
    config = opendnp3.OutstationStackConfig(opendnp3.DatabaseConfig(load.points))
    for unused in ("double_binary", "frozen_counter", "octet_string", "time_and_interval", "counter"):
        setattr(config.database, unused, {})
    config.database.analog_output_status, config.database.binary_output_status = {}, {}
    unsolicited = bool(load.events_per_s or load.stamps)
    config.outstation.eventBufferConfig = opendnp3.EventBufferConfig.AllTypes(_LARGEST_BUFFER if unsolicited else 10)
    config.outstation.params.allowUnsolicited = unsolicited
    config.outstation.params.maxTxFragSize = load.fragment
    config.link.LocalAddr, config.link.RemoteAddr = OUTSTATION_ADDRESS, MASTER_ADDRESS
    return config


def begin_values(outstation: Any, load: Load) -> None:
    builder = opendnp3.UpdateBuilder()
    for i in range(load.points):
        builder.Update(opendnp3.Analog(float(i % 2), _ONLINE), i, opendnp3.EventMode.Suppress)
        builder.Update(opendnp3.Binary(i % 2 == 1, _ONLINE), i, opendnp3.EventMode.Suppress)
    outstation.Apply(builder.Build())


def send_events(outstation: Any, load: Load) -> None:
    """The analogs one after another and round again, each event with its running number as value."""
    began, sent = time.perf_counter(), 0
    while sent < load.events:
        due = min(int((time.perf_counter() - began) * load.events_per_s), load.events)
        builder = opendnp3.UpdateBuilder()
        for number in range(sent, due):
            builder.Update(opendnp3.Analog(float(number + FIRST_EVENT), _ONLINE), number % load.points)
        outstation.Apply(builder.Build())
        sent = due
        time.sleep(_TICK_S)


def send_stamps(outstation: Any, load: Load) -> None:
    """One analog, again and again, with the time of its update as value."""
    for number in range(load.stamps):
        time.sleep(stamp_gap_s(number))
        builder = opendnp3.UpdateBuilder()
        builder.Update(opendnp3.Analog(float(stamp()), _ONLINE), 0)
        outstation.Apply(builder.Build())


def serve(load: Load) -> None:
    manager = opendnp3.DNP3Manager(1)
    say_base()
    kept: list[Any] = []
    for n in range(load.stations):
        endpoint = opendnp3.IPEndpoint("127.0.0.1", load.port + n)
        mode = opendnp3.ServerAcceptMode.CloseExisting
        channel = manager.AddTCPServer(f"bench_{n}", opendnp3.LogLevels(0), mode, endpoint, None)
        application, commands = Application(), Obeys()
        outstation = channel.AddOutstation(f"bench_{n}", commands, application, stack_config(load))
        begin_values(outstation, load)
        outstation.Enable()
        kept += [channel, application, commands, outstation]
    say("ready")
    wait_for_go()
    if load.events_per_s:
        send_events(kept[3], load)
    elif load.stamps:
        send_stamps(kept[3], load)
    wait_for_end()


if __name__ == "__main__":
    serve(Load.of_argument(sys.argv[1]))
