"""opendnp3's master in a process of its own, spoken to by lines on stdin, speaking JSON lines on stdout.

``python -m tests.interop.opendnp3_master_peer PORT lan|nonlan``; takes ``scan CLASS…``,
``crob select|direct INDEX OPERATION``, ``analog select|direct INDEX VALUE``, ``crob_no_ack INDEX``, ``read GROUP``,
``freeze GROUP…``, ``freeze_counters FreezeType``, ``restart COLD|WARM`` and ``quit``. Says
``{"readings": [group, variation, is_event, [[index, value, flags, time], …]]}``,
``{"command": [[index, state, status], …]}``, ``{"task": [type, result]}``,
``{"restarting": [result, milliseconds]}`` and ``{"need_time": bool}``. Three arguments more, the files of the trusted
certificate, its own and its key, make it TLS.
"""

import json
import os
import sys
import threading
import time
from typing import Any

import opendnp3

OUTSTATION, MASTER = 10, 1
_lock = threading.Lock()


def say(**words: object) -> None:
    with _lock:
        print(json.dumps(words), flush=True)


def reading(one: Any) -> tuple[float | str, int, int]:
    """Value (text of a string), flags (status of a command) and time; 0 what it has not."""
    if isinstance(one, opendnp3.OctetString):
        return bytes(one.ToBytes()).decode(), 0, 0
    flags = one.flags if hasattr(one, "flags") else getattr(one, "status", None)
    time = getattr(one, "time", None)
    return float(one.value), getattr(flags, "value", 0), getattr(time, "value", 0)


class Readings(opendnp3.ISOEHandler):  # type: ignore[misc]
    """Says what comes."""

    def BeginFragment(self, info: object) -> None:  # noqa: N802
        pass

    def EndFragment(self, info: object) -> None:  # noqa: N802
        pass

    def Process(self, info: Any, values: list[Any]) -> None:  # noqa: N802
        name = info.gv.name  # Group30Var5
        group, _, variation = name.removeprefix("Group").partition("Var")
        rows = [[v.index, *reading(v.value)] for v in values]
        say(readings=[int(group), int(variation), info.isEventVariation, rows])


class Application(opendnp3.IMasterApplication):  # type: ignore[misc]
    """Says how tasks end, and knows the time."""

    def OnTaskComplete(self, info: Any) -> None:  # noqa: N802
        say(task=[info.type.name, info.result.name])

    def OnTaskStart(self, *arguments: object) -> None:  # noqa: N802
        pass

    def OnReceiveIIN(self, iin: Any) -> None:  # noqa: N802
        say(need_time=iin.IsSet(opendnp3.IINBit.NEED_TIME), restart=iin.IsSet(opendnp3.IINBit.DEVICE_RESTART))
        if iin.IsSet(opendnp3.IINBit.FUNC_NOT_SUPPORTED):
            say(refused=True)

    def OnOpen(self) -> None:  # noqa: N802
        pass

    def OnClose(self) -> None:  # noqa: N802
        pass

    def AssignClassDuringStartup(self) -> bool:  # noqa: N802
        return False

    def Now(self) -> object:  # noqa: N802
        return opendnp3.UTCTimestamp(time.time_ns() // 1_000_000)


def answered(result: Any) -> None:
    """An exception in here is SIGABRT."""
    say(command=[[one.index, one.state.name, one.status.name] for one in result.to_list()])


def restarted(result: Any) -> None:
    """An exception in here is SIGABRT."""
    say(restarting=[result.summary.name, str(result.restartTime)])


def obey(master: Any, words: list[str], readings: Readings) -> None:
    if words[0] == "scan":
        classes = {int(word) for word in words[1:]}
        field = opendnp3.ClassField(*(n in classes for n in range(4)))
        master.ScanClasses(field, readings)
        return
    if words[0] == "read":
        everything = opendnp3.GroupVariationID(int(words[1]), 0)
        master.ScanAllObjects(everything, readings, opendnp3.TaskConfig.Default())
        return
    if words[0] == "freeze":
        headers = [opendnp3.Header.AllObjects(int(word), 0) for word in words[1:]]
        master.PerformFunction("freeze", opendnp3.FunctionCode.IMMED_FREEZE, headers, opendnp3.TaskConfig.Default())
        return
    if words[0] == "freeze_counters":
        master.Freeze(getattr(opendnp3.FreezeType, words[1]), [opendnp3.Header.AllObjects(20, 0)])
        return
    if words[0] == "restart":
        master.Restart(getattr(opendnp3.RestartType, words[1]), restarted)
        return
    if words[0] == "crob_no_ack":
        # LATCH_ON once, in g12v1 with qualifier 17; the bindings have no call for it
        block = bytes((12, 1, 0x17, 1, int(words[1]), 3, 1)) + bytes(9)
        master.PerformFunction("no ack", opendnp3.FunctionCode.DIRECT_OPERATE_NR, [opendnp3.Header.Raw(block)])
        return
    send = master.SelectAndOperate if words[1] == "select" else master.DirectOperate
    if words[0] == "crob":
        block = opendnp3.ControlRelayOutputBlock()
        block.opType = getattr(opendnp3.OperationType, words[3])
        send(block, int(words[2]), answered)
    else:
        send(opendnp3.AnalogOutputFloat32(float(words[3])), int(words[2]), answered)


def main(port: int, time_sync: str) -> None:
    manager = opendnp3.DNP3Manager(1)
    retry = opendnp3.ChannelRetry.Default()
    endpoint = opendnp3.IPEndpoint("127.0.0.1", port)
    levels, files = opendnp3.LogLevels(0), sys.argv[3:6]
    if files:
        tls = opendnp3.TLSConfig(*files)
        channel = manager.AddTLSClient("ems", levels, retry, [endpoint], "0.0.0.0", tls, None)
    else:
        channel = manager.AddTCPClient("ems", levels, retry, [endpoint], "0.0.0.0", None)
    config = opendnp3.MasterStackConfig()
    config.link.LocalAddr, config.link.RemoteAddr = MASTER, OUTSTATION
    config.master.timeSyncMode = opendnp3.TimeSyncMode.LAN if time_sync == "lan" else opendnp3.TimeSyncMode.NonLAN
    readings, application = Readings(), Application()
    master = channel.AddMaster("ems", readings, application, config)
    master.Enable()
    for line in sys.stdin:
        words = line.split()
        if words[0] == "quit":
            break
        obey(master, words, readings)
    os._exit(0)  # its manager hangs at interpreter exit


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2])
