"""opendnp3's outstation with counters, classes and restarts, in a process of its own.

``python -m tests.interop.opendnp3_upkeep_peer PORT``; says ``ready``, ``class KIND CLASS START STOP`` and ``restart``;
takes ``counter INDEX VALUE`` and ``quit``. Obeys control blocks but those of index 9.
"""

import os
import sys

import opendnp3

from tests.interop.opendnp3_outstation_peer import MASTER, OUTSTATION, Application, Commands, say

POINTS = 10


class UpkeepApplication(Application):
    """Takes classes, and restarts within 5 s."""

    def SupportsAssignClass(self) -> bool:  # noqa: N802
        return True

    def RecordClassAssignment(self, kind: object, clazz: object, start: int, stop: int) -> None:  # noqa: N802
        say(f"class {kind.name} {clazz.name} {start} {stop}")  # type: ignore[attr-defined]

    def ColdRestartSupport(self) -> object:  # noqa: N802
        return opendnp3.RestartMode.SUPPORTED_DELAY_COARSE

    def ColdRestart(self) -> int:  # noqa: N802
        say("restart")
        return 5


def main(port: int) -> None:
    manager = opendnp3.DNP3Manager(1)
    mode, endpoint = opendnp3.ServerAcceptMode.CloseExisting, opendnp3.IPEndpoint("127.0.0.1", port)
    channel = manager.AddTCPServer("peer", opendnp3.LogLevels(0), mode, endpoint, None)
    config = opendnp3.OutstationStackConfig(opendnp3.DatabaseConfig(POINTS))
    for unused in ("double_binary", "octet_string", "time_and_interval"):
        setattr(config.database, unused, {})
    config.outstation.eventBufferConfig = opendnp3.EventBufferConfig.AllTypes(100)
    config.outstation.params.allowUnsolicited = True
    config.link.LocalAddr, config.link.RemoteAddr = OUTSTATION, MASTER
    application, commands = UpkeepApplication(), Commands()
    outstation = channel.AddOutstation("peer", commands, application, config)
    outstation.Enable()
    say("ready")
    for line in sys.stdin:
        words = line.split()
        if words[0] == "quit":
            break
        builder = opendnp3.UpdateBuilder()
        builder.Update(opendnp3.Counter(int(words[2]), opendnp3.Flags(0x01)), int(words[1]))
        outstation.Apply(builder.Build())
    # no orderly end: see the other peer
    sys.stdout.flush()
    os._exit(0)


if __name__ == "__main__":
    main(int(sys.argv[1]))
