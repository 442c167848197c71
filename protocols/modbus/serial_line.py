"""Serial lines, by pyserial under pymodbus' asyncio transport (extra ``serial``)."""

import asyncio
import termios

from protocols.modbus.media import Parity, SerialSettings

_PARITIES = {Parity.NONE: "N", Parity.EVEN: "E", Parity.ODD: "O"}


def open_serial(settings: SerialSettings, protocol: asyncio.Protocol) -> asyncio.Transport:
    """Open a line for this process alone.

    Raises:
        OSError: no such device, not permitted, in use, or pyserial is not installed.
    """
    try:
        import serial
        from pymodbus.transport.serialtransport import SerialTransport
    except ImportError as missing:
        raise OSError("a serial line needs the extra 'serial' (pyserial)") from missing
    try:
        transport = SerialTransport(
            asyncio.get_running_loop(),
            protocol,
            settings.device,
            settings.baud,
            8,
            _PARITIES[settings.parity],
            settings.stop_bits,
            0,
        )
    except (serial.SerialException, ValueError, termios.error) as fault:
        raise OSError(f"{settings.device}: {fault}") from fault
    transport.setup()
    return transport
