"""A Modbus point's address as data, read from the cells of a point map. Settings are in `settings`."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from protocols.modbus.data_types import BOOL, DataType, data_type
from vppscada.model.errors import CellFault, CellFaults
from vppscada.model.points import PointKind

#: Columns that mean something to sessions only; a map may leave them out.
SESSION_COLUMNS = ("scan_class", "read_back")
ADDRESS_COLUMNS = ("table", "register", "bit", "word_order", "scale_factor", "sentinel", *SESSION_COLUMNS)

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*", re.ASCII)


class Table(StrEnum):
    """The four tables of the Modbus data model."""

    COIL = "coil"
    DISCRETE_INPUT = "discrete_input"
    INPUT_REGISTER = "input_register"
    HOLDING_REGISTER = "holding_register"

    @property
    def is_bits(self) -> bool:
        """True for tables of single bits."""
        return self in (Table.COIL, Table.DISCRETE_INPUT)

    @property
    def is_writable(self) -> bool:
        """True for tables that a client can write."""
        return self in (Table.COIL, Table.HOLDING_REGISTER)


class WordOrder(StrEnum):
    """Order of a value's registers, and of the bytes in each. Modbus itself has the high byte first; some devices not.

    A 32-bit value 0xAABBCCDD travels as AA BB CC DD, CC DD AA BB, BB AA DD CC or DD CC BB AA. Texts have the order of
    bytes only.
    """

    BIG = "big"  # most significant register first, as SunSpec has it
    LITTLE = "little"
    BIG_SWAPPED = "big_swapped"
    LITTLE_SWAPPED = "little_swapped"

    @property
    def is_little(self) -> bool:
        """True where the least significant register comes first."""
        return self in (WordOrder.LITTLE, WordOrder.LITTLE_SWAPPED)

    @property
    def is_swapped(self) -> bool:
        """True where the low byte of each register comes first."""
        return self in (WordOrder.BIG_SWAPPED, WordOrder.LITTLE_SWAPPED)


COLUMN_WORDS = {
    "table": tuple(Table),
    "word_order": tuple(WordOrder),
    "sentinel": ("yes", "no"),
    "read_back": ("yes", "no"),
}


@dataclass(frozen=True, slots=True)
class ModbusAddress:
    """Where a point lies and how its value is written there. ``register`` is the 0-based protocol address.

    ``bit`` counts from the least significant bit of the whole value. ``states`` are the raw values
    that mean 1 where a state register stands behind a binary point.
    """

    table: Table
    register: int
    data_type: DataType = BOOL
    bit: int | None = None
    states: tuple[int, ...] = ()
    word_order: WordOrder = WordOrder.BIG
    scale_factor: str = ""  # name of the point of the same asset that holds the exponent of ten
    sentinel: bool = False
    scan_class: str = ""  # of the session's; empty for its own period
    read_back: bool | None = None  # None: as the session has it

    @property
    def registers(self) -> int:
        """How many registers (or bits, in a table of bits) the value takes."""
        return self.data_type.registers


_ON_REGISTERS = {
    PointKind.BINARY_INPUT: "bitfield16",
    PointKind.DOUBLE_BIT_INPUT: "bitfield16",
    PointKind.BINARY_OUTPUT: "bitfield16",
}


class _Cells:
    """The cells of one line and the faults found in them so far."""

    def __init__(self, cells: Mapping[str, str]) -> None:
        self._cells = cells
        self.faults: list[CellFault] = []

    def __getitem__(self, column: str) -> str:
        return (self._cells.get(column) or "").strip()

    def fault(self, column: str, expected: str, found: str | None = None) -> None:
        self.faults.append(CellFault(column, repr(self[column]) if found is None else found, expected))

    def word(self, column: str, words: tuple[str, ...], default: str) -> str:
        word = self[column] or default
        if word in words:
            return word
        self.fault(column, "one of " + ", ".join(words))
        return default or words[0]

    def number(self, column: str, lowest: int, highest: int) -> int | None:
        text = self[column]
        if text.isascii() and text.isdigit() and lowest <= int(text) <= highest:
            return int(text)
        self.fault(column, f"a whole number from {lowest} to {highest}")
        return None


def read_address(cells: Mapping[str, str], kind: PointKind, data_type_word: str) -> ModbusAddress:
    """Turn the address cells of a line into an address.

    Column ``bit``: empty, a bit number, or ``=V`` / ``=V|W`` — the raw values of the register that mean 1.

    Raises:
        CellFaults: every fault of the line, each with its column.
    """
    line = _Cells(cells)
    table = _read_table(line, kind)
    wire = _read_type(line, kind, table, data_type_word.strip())
    register = line.number("register", 0, 65_536 - wire.registers)
    bit, states = _read_bit(line, kind, table, wire)
    order = WordOrder(line.word("word_order", tuple(WordOrder), WordOrder.BIG))
    scale_factor = line["scale_factor"]
    if scale_factor and not (kind.is_analog and wire.is_integer):
        line.fault("scale_factor", "nothing, unless the point is analog and of an integer type")
    sentinel = line.word("sentinel", ("yes", "no"), "no") == "yes"
    if sentinel and table.is_bits:
        line.fault("sentinel", "no in a table of bits")
    scan_class, read_back = _read_session_cells(line, kind)
    if line.faults:
        raise CellFaults(line.faults)
    assert register is not None  # a missing number is a fault
    return ModbusAddress(table, register, wire, bit, states, order, scale_factor, sentinel, scan_class, read_back)


def _read_session_cells(line: _Cells, kind: PointKind) -> tuple[str, bool | None]:
    scan_class = line["scan_class"]
    if scan_class and not _NAME.fullmatch(scan_class):
        line.fault("scan_class", "a name of letters, digits and _ that begins with a letter")
    if not line["read_back"]:
        return scan_class, None
    if not kind.is_output:
        line.fault("read_back", "nothing, unless the point is an output")
    return scan_class, line.word("read_back", ("yes", "no"), "no") == "yes"


def _read_table(line: _Cells, kind: PointKind) -> Table:
    if line["table"] not in tuple(Table):
        line.fault("table", "one of " + ", ".join(Table))
        return Table.HOLDING_REGISTER  # so that the other cells are judged by themselves
    table = Table(line["table"])
    if kind.is_output and not table.is_writable:
        line.fault("table", "coil or holding_register for an output")
    elif table.is_bits and kind not in (PointKind.BINARY_INPUT, PointKind.BINARY_OUTPUT):
        line.fault("table", f"a table of registers for a point of kind {kind}")
    elif kind is PointKind.ANALOG_OUTPUT and table is not Table.HOLDING_REGISTER:
        line.fault("table", "holding_register for an analog output")
    return table


def _read_type(line: _Cells, kind: PointKind, table: Table, word: str) -> DataType:
    word = word or ("bool" if table.is_bits else _ON_REGISTERS.get(kind, ""))
    found = data_type(word)
    expected = _type_fault(found, kind, table)
    if not expected and found is not None:
        return found
    line.fault("data_type", expected, repr(word))
    return found or BOOL


def _type_fault(found: DataType | None, kind: PointKind, table: Table) -> str:
    if found is None:
        return "uint16, int16, uint32, int32, uint64, int64, float32, float64, bitfield16, bitfield32, bcd16, …"
    if table.is_bits:
        return "" if found == BOOL else "bool (or nothing) in a table of bits"
    if found == BOOL:
        return "a type of registers"
    if (kind is PointKind.STRING) != found.is_string:
        return "string<registers>" if kind is PointKind.STRING else "a number"
    if kind in _ON_REGISTERS and not (found.is_integer and found.registers <= 2 and not found.is_bcd):
        return "an integer type of one or two registers for a binary point"
    return ""


def _read_bit(line: _Cells, kind: PointKind, table: Table, wire: DataType) -> tuple[int | None, tuple[int, ...]]:
    text = line["bit"]
    if not text:
        if kind is PointKind.DOUBLE_BIT_INPUT:
            line.fault("bit", "the lower of the two bits")
        return None, ()
    if table.is_bits or kind not in _ON_REGISTERS:
        line.fault("bit", "nothing, unless the point is binary and in a register")
        return None, ()
    if text.startswith("="):
        return None, _read_states(line, kind, text[1:], wire)
    width = 1 if kind is PointKind.DOUBLE_BIT_INPUT else 0
    return line.number("bit", 0, 16 * wire.registers - 1 - width), ()


def _read_states(line: _Cells, kind: PointKind, text: str, wire: DataType) -> tuple[int, ...]:
    words = text.split("|")
    highest = (1 << 16 * wire.registers) - 1
    if kind is PointKind.DOUBLE_BIT_INPUT or not all(w.isascii() and w.isdigit() and int(w) <= highest for w in words):
        line.fault("bit", f"a bit number, or = and raw values from 0 to {highest} between bars, as in =4|5")
        return ()
    return tuple(int(word) for word in words)


def address_key(address: ModbusAddress, kind: PointKind) -> tuple[object, ...]:
    """What must be unique in a session. An output may share its register with the input that echoes it,
    and binary points may read different states from one register."""
    return (kind.is_output, address.table, address.register, address.bit, address.states)
