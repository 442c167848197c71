"""Serial lines, by pyserial under Twisted (extra ``serial``)."""

from collections import Counter
from typing import Any

from twisted.internet.error import ConnectionDone
from twisted.python.failure import Failure

from protocols.dnp3.channels.channel import Channel
from protocols.dnp3.channels.medium import FlowControl, Medium, Parity
from protocols.dnp3.channels.tcp import StreamChannel


class SerialChannel(StreamChannel):
    """One open serial device."""

    def _shut(self, at_once: bool) -> None:
        transport: Any = self.transport
        if at_once:
            transport.connectionLost(Failure(ConnectionDone()))
        else:
            transport.loseConnection()


async def open_serial(medium: Medium, statistics: Counter[str]) -> Channel:
    """Open a device for us alone.

    Raises:
        ConnectionError: no such device, not permitted, in use, or pyserial is not installed.
    """
    settings = medium.transport.serial
    assert settings is not None  # a medium of this kind has them
    try:
        import serial
        from twisted.internet import reactor
        from twisted.internet.serialport import SerialPort
    except ImportError as error:
        raise ConnectionError(f"{medium}: pyserial is not installed (extra: serial)") from error

    class ExclusivePort(SerialPort):
        _serialFactory = staticmethod(_exclusive)  # noqa: N815  # Twisted's name

    make: Any = ExclusivePort  # typed in part only
    parities = {Parity.NONE: serial.PARITY_NONE, Parity.EVEN: serial.PARITY_EVEN, Parity.ODD: serial.PARITY_ODD}
    channel = SerialChannel(statistics, settings.device)
    try:
        make(
            channel,
            settings.device,
            reactor,
            baudrate=settings.baud,
            bytesize=settings.data_bits,
            parity=parities[settings.parity],
            stopbits=settings.stop_bits,
            xonxoff=settings.flow_control is FlowControl.XON_XOFF,
            rtscts=settings.flow_control is FlowControl.RTS_CTS,
        )
    except (OSError, ValueError) as error:  # pyserial's own error is an OSError
        raise ConnectionError(f"{medium}: {error}") from error
    return channel


def _exclusive(*arguments: object, **settings: object) -> Any:
    """Two programs on one line would read each other's answers."""
    import serial

    return serial.Serial(*arguments, **settings, exclusive=True)
