"""opendnp3's master in a process of its own: says what it receives, and where fragments and connections end."""

import sys
import threading

import opendnp3

from tests.interop import opendnp3_master_peer as peer
from tests.scenario.kill_events_outstation import OPENDNP3, OUTSTATION


class Readings(peer.Readings):
    """Says where a fragment ends."""

    def EndFragment(self, info: object) -> None:  # noqa: N802
        peer.say(end=True)


class Application(peer.Application):
    """Says only when the connection is lost."""

    def OnTaskComplete(self, info: object) -> None:  # noqa: N802
        pass

    def OnReceiveIIN(self, iin: object) -> None:  # noqa: N802
        pass

    def OnClose(self) -> None:  # noqa: N802
        peer.say(closed=True)


def main(port: int) -> None:
    """Until killed."""
    manager = opendnp3.DNP3Manager(1)
    retry = opendnp3.ChannelRetry(opendnp3.TimeDuration.Milliseconds(20), opendnp3.TimeDuration.Milliseconds(50))
    endpoint = opendnp3.IPEndpoint("127.0.0.1", port)
    channel = manager.AddTCPClient("killed", opendnp3.LogLevels(0), retry, [endpoint], "0.0.0.0", None)
    config = opendnp3.MasterStackConfig()
    config.link.LocalAddr, config.link.RemoteAddr = OPENDNP3, OUTSTATION
    readings, application = Readings(), Application()
    master = channel.AddMaster("killed", readings, application, config)
    every = opendnp3.TimeDuration.Milliseconds(200)
    master.AddClassScan(opendnp3.ClassField(False, True, True, True), every, readings)
    master.Enable()
    threading.Event().wait()


if __name__ == "__main__":
    main(int(sys.argv[1]))
