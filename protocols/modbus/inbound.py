"""A client's write as commands to points, decided without I/O."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from protocols.modbus.config import Table
from protocols.modbus.image import Image
from protocols.modbus.layout import address_of
from protocols.modbus.replies import ILLEGAL_ADDRESS, ILLEGAL_VALUE
from vppscada.model.commands import AnalogValue, CommandBody, Crob, CrobOperation
from vppscada.model.points import PointKind
from vppscada.model.quality import Quality


class Refused(Exception):
    """A write that is answered with an exception and moves nothing."""

    def __init__(self, code: int) -> None:
        super().__init__(f"exception {code}")
        self.code = code


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a write wants of one point: ``place`` counts the image's points, ``value`` is in device units."""

    place: int
    value: float
    body: CommandBody


class Outputs:
    """Which output points lie at an address."""

    def __init__(self, image: Image) -> None:
        self._image = image
        self._coils: dict[int, int] = {}
        self._registers: dict[int, list[int]] = defaultdict(list)
        for place, point in enumerate(image.points):
            address = address_of(point)
            if not point.kind.is_output:
                continue
            if address.table is Table.COIL:
                self._coils[address.register] = place
            else:
                for register in range(address.register, address.register + address.registers):
                    self._registers[register].append(place)

    def coils(self, start: int, states: Sequence[bool]) -> list[Wanted]:
        """What a write of coils wants.

        Raises:
            Refused: one of the coils is no output.
        """
        if not all(start + i in self._coils for i in range(len(states))):
            raise Refused(ILLEGAL_ADDRESS)
        return [_binary(self._coils[start + i], on) for i, on in enumerate(states)]

    def registers(self, start: int, words: Sequence[int]) -> list[Wanted]:
        """What a write of registers wants. Of bits in one register, those that change; if none does, those that are 1.

        Raises:
            Refused: a register is no output, a value is written in part, or means nothing.
        """
        places = self._written_whole(start, len(words))
        after = self._image.reading_with(start, words)
        if after is None:
            raise Refused(ILLEGAL_ADDRESS)
        if any(after.quality[place] != Quality.ONLINE for place in places):
            raise Refused(ILLEGAL_VALUE)
        before = self._image.reading()
        wanted: list[Wanted] = []
        for place in places:
            value = float(after.value[place])
            if self._image.points[place].kind is PointKind.ANALOG_OUTPUT:
                wanted.append(Wanted(place, value, AnalogValue(value)))
            elif value != before.value[place] or not self._is_shared(place):
                wanted.append(_binary(place, bool(value)))
        return wanted or [_binary(place, True) for place in places if after.value[place]]

    def masked(self, register: int, and_mask: int, or_mask: int) -> list[Wanted]:
        """What a mask write wants: of bits in the register those that the masks set or clear.

        Raises:
            Refused: the register is no output, or part of a value that is none of bits.
        """
        after = self._image.masked(register, and_mask, or_mask)
        places = self._registers.get(register)
        if after is None or not places:
            raise Refused(ILLEGAL_ADDRESS)
        bits = [place for place in places if self._is_shared(place)]
        if not bits:
            return self.registers(register, [after])
        reading = self._image.reading_with(register, [after])
        touched = [place for place in bits if self._image.word_of_bit(place, register) & ~and_mask]
        if reading is None or not touched:
            raise Refused(ILLEGAL_VALUE)
        return [_binary(place, bool(reading.value[place])) for place in touched]

    def _written_whole(self, start: int, count: int) -> list[int]:
        end = start + count
        if not all(self._registers.get(register) for register in range(start, end)):
            raise Refused(ILLEGAL_ADDRESS)
        places = list(dict.fromkeys(place for register in range(start, end) for place in self._registers[register]))
        for place in places:
            address = address_of(self._image.points[place])
            if address.register < start or address.register + address.registers > end:
                raise Refused(ILLEGAL_ADDRESS)
        return places

    def _is_shared(self, place: int) -> bool:
        return address_of(self._image.points[place]).bit is not None


def _binary(place: int, on: bool) -> Wanted:
    return Wanted(place, float(on), Crob(CrobOperation.LATCH_ON if on else CrobOperation.LATCH_OFF))
