"""What a command means on the wire: decided before anything is sent."""

from collections.abc import Sequence
from dataclasses import dataclass

from protocols.modbus.codec import CannotEncode, encode_number, flag_word, integer_words
from protocols.modbus.config import ModbusAddress, Table
from protocols.modbus.layout import address_of
from protocols.modbus.requests import coil_write, mask_write, register_write
from vppscada.model.commands import AnalogValue, CommandBody, Crob, CrobOperation, TripClose
from vppscada.model.points import Point, PointKind

#: A pulse longer than this is refused: it would outlive its command.
LONGEST_PULSE_MS = 60_000


@dataclass(frozen=True, slots=True)
class Step:
    """One state of a binary output and how long it lasts; 0 = for good."""

    on: bool
    hold_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Write:
    """A request and the body that its answer must have.

    ``shown``: what reading it back must bring, registers as they lie on the wire, where ``mask`` has ones.
    """

    function_code: int
    body: bytes
    echo: bytes
    shown: tuple[int, ...] = ()
    mask: tuple[int, ...] = ()

    @property
    def pdu(self) -> bytes:
        """The whole request."""
        return bytes((self.function_code,)) + self.body


def needs_read(address: ModbusAddress, masks: bool) -> bool:
    """True where a binary output is part of a register that has to be read before it is written.

    ``masks``: the device has the function that changes single bits.
    """
    if address.table is not Table.HOLDING_REGISTER:
        return False
    return bool(address.states) or (address.bit is not None and not masks)


def steps_of(point: Point, body: CommandBody) -> tuple[Step, ...]:
    """The states that a control block asks a binary output to go through.

    A latch or a pulse without a time is one state: a device that wants an impulse ends it by itself.
    Close and trip are 1 and 0.

    Raises:
        CannotEncode: Modbus has no such control, or it is not one for this kind of point.
    """
    if not isinstance(body, Crob) or point.kind is not PointKind.BINARY_OUTPUT:
        raise CannotEncode(f"a {type(body).__name__} is no command for a point of kind {point.kind}")
    if body.count != 1:
        raise CannotEncode("a control that repeats cannot be sent over Modbus")
    if body.operation is CrobOperation.NUL:
        raise CannotEncode("a control without an operation")
    on = body.wants_on
    if body.trip_close is not TripClose.NUL or body.operation in (CrobOperation.LATCH_ON, CrobOperation.LATCH_OFF):
        return (Step(on),)
    hold_ms = body.on_ms if on else body.off_ms
    if hold_ms > LONGEST_PULSE_MS:
        raise CannotEncode(f"a pulse of {hold_ms} ms; at most {LONGEST_PULSE_MS}")
    return (Step(on, hold_ms / 1000), Step(not on)) if hold_ms > 0 else (Step(on),)


def write_analog(point: Point, body: CommandBody, exponent: float | None, write_multiple: bool) -> Write:
    """The write of an analog output.

    Raises:
        CannotEncode: the value does not go into the register's type, or it is not a value.
    """
    if not isinstance(body, AnalogValue) or point.kind is not PointKind.ANALOG_OUTPUT:
        raise CannotEncode(f"a {type(body).__name__} is no command for a point of kind {point.kind}")
    address = address_of(point)
    words = encode_number(address, body.value, exponent)
    return Write(*register_write(address.register, words, write_multiple), words, (0xFFFF,) * len(words))


def write_binary(address: ModbusAddress, on: bool, before: int, write_multiple: bool, masks: bool = False) -> Write:
    """The write that puts a binary output into a state.

    ``before``: the raw value of its register now; of no account where `needs_read` says no.

    Raises:
        CannotEncode: the register's type cannot hold the value.
    """
    if address.table is Table.COIL:
        return Write(*coil_write(address.register, on, write_multiple), (int(on),), (1,))
    if address.bit is not None:
        mask = integer_words(address, 1 << address.bit)
        if masks:
            place = next(i for i, word in enumerate(mask) if word)
            head = mask_write(address.register + place, mask[place].bit_length() - 1, on)
            return Write(*head, mask if on else (0,) * len(mask), mask)
    raw = flag_word(address, on, before)
    if not 0 <= raw < 1 << 16 * address.registers:
        raise CannotEncode(f"{raw} does not go into {address.data_type.name}")
    words = integer_words(address, raw)
    mask = integer_words(address, 1 << address.bit) if address.bit is not None else (0xFFFF,) * len(words)
    return Write(*register_write(address.register, words, write_multiple), words, mask)


def is_shown(write: Write, found: Sequence[int]) -> bool:
    """True if what was read back is what was written, wherever the write has a say."""
    return all(word & mask == wanted & mask for word, wanted, mask in zip(found, write.shown, write.mask, strict=True))
