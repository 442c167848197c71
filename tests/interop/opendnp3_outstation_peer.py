"""opendnp3's outstation in a process of its own, spoken to by lines on stdin and stdout.

``python -m tests.interop.opendnp3_outstation_peer PORT POINTS``; takes ``analog INDEX VALUE``,
``binary INDEX 0|1``, ``counter INDEX VALUE``, ``need_time 0|1|always``, ``restarted``, ``say WORD`` and
``quit``; says ``ready``, ``crob INDEX OPERATION VIA``, ``analog_output INDEX VALUE VIA``, ``time MS``,
``restart cold|warm`` and the word; with a third argument ``quiet`` only ``ready``.
Three arguments more, the files of the trusted certificate, its own and its key, make it TLS.
"""

import os
import sys

import opendnp3

OUTSTATION, MASTER = 10, 1


QUIET = sys.argv[3:] == ["quiet"]


def say(line: str) -> None:
    if not QUIET or line == "ready":
        print(line, flush=True)


class Application(opendnp3.IOutstationApplication):  # type: ignore[misc]
    """Takes the time and asks for it."""

    def __init__(self) -> None:
        super().__init__()
        self.need_time = False
        self.never_has_time = False

    def SupportsWriteAbsoluteTime(self) -> bool:  # noqa: N802
        return True

    def WriteAbsoluteTime(self, timestamp: object) -> bool:  # noqa: N802
        self.need_time = self.never_has_time
        say(f"time {timestamp.msSinceEpoch}")  # type: ignore[attr-defined]
        return True

    def ColdRestartSupport(self) -> object:  # noqa: N802
        return opendnp3.RestartMode.SUPPORTED_DELAY_COARSE

    def ColdRestart(self) -> int:  # noqa: N802
        say("restart cold")
        return 7

    def WarmRestartSupport(self) -> object:  # noqa: N802
        return opendnp3.RestartMode.SUPPORTED_DELAY_FINE

    def WarmRestart(self) -> int:  # noqa: N802
        say("restart warm")
        return 250

    def GetApplicationIIN(self) -> object:  # noqa: N802
        indications = opendnp3.ApplicationIIN()
        indications.needTime = self.need_time
        return indications


class Commands(opendnp3.ICommandHandler):  # type: ignore[misc]
    """Obeys everything but index 9, which is under local control."""

    def Begin(self) -> None:  # noqa: N802
        pass

    def End(self) -> None:  # noqa: N802
        pass

    def Select(self, command: object, index: int) -> object:  # noqa: N802
        return opendnp3.CommandStatus.LOCAL if index == 9 else opendnp3.CommandStatus.SUCCESS

    def Operate(self, command: object, index: int, handler: object, via: object) -> object:  # noqa: N802
        if index == 9:
            return opendnp3.CommandStatus.LOCAL
        if isinstance(command, opendnp3.ControlRelayOutputBlock):
            say(f"crob {index} {command.opType.name} {via.name}")  # type: ignore[attr-defined]
        else:
            say(f"analog_output {index} {command.value} {via.name}")  # type: ignore[attr-defined]
        return opendnp3.CommandStatus.SUCCESS


def stack_config(points: int) -> object:
    config = opendnp3.OutstationStackConfig(opendnp3.DatabaseConfig(points))
    unused = ["double_binary", "octet_string", "time_and_interval"]
    if points > 100:
        unused += ["frozen_counter", "counter", "analog_output_status", "binary_output_status"]
    for kind in unused:
        setattr(config.database, kind, {})
    config.outstation.eventBufferConfig = opendnp3.EventBufferConfig.AllTypes(1000)
    config.outstation.params.allowUnsolicited = True
    config.link.LocalAddr, config.link.RemoteAddr = OUTSTATION, MASTER
    return config


def main(port: int, points: int) -> None:
    manager = opendnp3.DNP3Manager(1)
    levels, mode = opendnp3.LogLevels(0), opendnp3.ServerAcceptMode.CloseExisting
    endpoint = opendnp3.IPEndpoint("127.0.0.1", port)
    files = sys.argv[4:7]
    if files:
        channel = manager.AddTLSServer("peer", levels, mode, endpoint, opendnp3.TLSConfig(*files), None)
    else:
        channel = manager.AddTCPServer("peer", levels, mode, endpoint, None)
    application, commands = Application(), Commands()
    outstation = channel.AddOutstation("peer", commands, application, stack_config(points))
    builder = opendnp3.UpdateBuilder()
    flags = opendnp3.Flags(0x01)
    for i in range(points):
        builder.Update(opendnp3.Analog(float(i), flags), i, opendnp3.EventMode.Suppress)
        builder.Update(opendnp3.Binary(i % 2 == 1, flags), i, opendnp3.EventMode.Suppress)
    outstation.Apply(builder.Build())
    outstation.Enable()
    say("ready")
    for line in sys.stdin:
        words = line.split()
        if words[0] == "quit":
            break
        builder = opendnp3.UpdateBuilder()
        if words[0] == "analog":
            builder.Update(opendnp3.Analog(float(words[2]), flags), int(words[1]))
        elif words[0] == "binary":
            builder.Update(opendnp3.Binary(words[2] == "1", flags), int(words[1]))
        elif words[0] == "counter":
            builder.Update(opendnp3.Counter(int(words[2]), flags), int(words[1]))
        elif words[0] == "need_time":
            application.never_has_time = words[1] == "always"
            application.need_time = words[1] != "0"
        elif words[0] == "say":
            say(words[1])
        elif words[0] == "restarted":
            outstation.SetRestartIIN()
        outstation.Apply(builder.Build())
    # no orderly end: a manager that is alive at interpreter exit hangs, and its shutdown has killed processes before
    sys.stdout.flush()
    os._exit(0)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
