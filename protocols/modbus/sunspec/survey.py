"""A live SunSpec device asked what it is: its chain of models, and a proposal of a map made of it.

Only reads are sent. The walk is bounded: by the register space, by the number of models, by a time for each answer.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pymodbus.client import AsyncModbusTcpClient
from pymodbus.exceptions import ModbusException

from protocols.modbus.data_types import data_type
from protocols.modbus.sunspec.lines import UNMAPPED, lines, map_type
from protocols.modbus.sunspec.models import (
    END_MODEL,
    MARKER,
    ModelPoint,
    counting,
    definition,
    end,
    layout,
    scale_factor_of,
)
from protocols.modbus.sunspec.roles import choose
from vppscada.model.proposals import MapProposal, SurveyError

#: Where a chain may begin (SunSpec Device Information Model Specification), the usual place first.
BASES = (40_000, 0, 50_000)
_MOST_MODELS = 256
_MOST_REGISTERS = 125  # of one read
_SPACE = 0x10000
_NO_MODEL = 0
_NO_EXPONENT = 0x8000
_TIMEOUT_S = 3.0


@dataclass(frozen=True, slots=True)
class _Chain:
    """First register and words of each model, headers included; ``broken`` says why it has no proper end."""

    base: int
    models: Sequence[tuple[int, Sequence[int]]]
    broken: str = ""


class _Device:
    """Registers of a device as they are asked for."""

    def __init__(self, client: AsyncModbusTcpClient, where: str, unit: int) -> None:
        self._client = client
        self._where = where
        self._unit = unit

    async def words(self, first: int, count: int) -> list[int]:
        """Holding registers, in as many reads as it takes.

        Raises:
            SurveyError: no answer, a refusal, or an answer that is not one to the question.
        """
        found: list[int] = []
        while len(found) < count:
            wanted = min(count - len(found), _MOST_REGISTERS)
            found += await self._read(first + len(found), wanted)
        return found

    async def _read(self, first: int, count: int) -> list[int]:
        asked = f"{self._where}: {count} holding registers from {first}"
        try:
            reply = await self._client.read_holding_registers(first, count=count, device_id=self._unit)
        except (ModbusException, OSError) as error:
            raise SurveyError(f"{asked}: {error}") from error
        if reply.isError():
            raise SurveyError(f"{asked}: exception {getattr(reply, 'exception_code', '?')}")
        if reply.function_code != 3 or len(reply.registers) != count:
            raise SurveyError(f"{asked}: {len(reply.registers)} came")
        return list(reply.registers)


async def survey(host: str, port: int, unit: int) -> MapProposal:
    """Walk a device's models.

    Raises:
        SurveyError: it cannot be reached, does not answer, or is no SunSpec device.
    """
    client = AsyncModbusTcpClient(host, port=port, timeout=_TIMEOUT_S, retries=0)
    where = f"{host}:{port} unit {unit}"
    try:
        if not await client.connect():
            raise SurveyError(f"cannot connect to {host}:{port}")
        device = _Device(client, where, unit)
        base = await _find(device, where)
        chain = await _walk(device, base)
    finally:
        client.close()
    return _proposal(where, chain)


async def _find(device: _Device, where: str) -> int:
    refused: SurveyError | None = None
    for base in BASES:
        try:
            high, low = await device.words(base, 2)
        except SurveyError as error:  # some devices refuse addresses that they have not
            refused = error
            continue
        if high << 16 | low == MARKER:
            return base
    reason = f"; last: {refused}" if refused is not None else ""
    raise SurveyError(f"{where}: no SunSpec marker at holding register {', '.join(map(str, BASES))}{reason}")


async def _walk(device: _Device, base: int) -> _Chain:
    """The models one after another, as far as they can be read."""
    found: list[tuple[int, Sequence[int]]] = []
    register = base + 2
    while register + 1 < _SPACE and len(found) < _MOST_MODELS:
        try:
            model, length = await device.words(register, 2)
            if model in (END_MODEL, _NO_MODEL) or register + 2 + length > _SPACE:
                return _Chain(base, found, "" if model == END_MODEL else _open_end(model, length, register))
            found.append((register, (model, length, *await device.words(register + 2, length))))
        except SurveyError as error:
            if not found:
                raise
            return _Chain(base, found, f"the chain breaks off at register {register} ({error})")
        register += 2 + length
    return _Chain(base, found, f"the chain is longer than {_MOST_MODELS} models")


def _open_end(model: int, length: int, register: int) -> str:
    if model == _NO_MODEL:
        return f"the chain has no end marker: register {register} holds 0"
    return f"model {model} at register {register} would end {length} registers on, past the last one"


def _proposal(where: str, chain: _Chain) -> MapProposal:
    points: list[ModelPoint] = []
    unknown: list[int] = []
    instances: Counter[int] = Counter()
    for register, words in chain.models:
        instances[words[0]] += 1
        made = model_points(register, words, instances[words[0]])
        points += made
        if not made:
            unknown.append(words[0])
    last = max((register + len(words) for register, words in chain.models), default=chain.base + 2)
    points += [] if chain.broken else end(last)
    present = {point.key for point in points if point.definition["type"] not in UNMAPPED}
    implemented = {point.key for point in points if point.implemented} & present
    roles = choose(implemented, present)
    silent = [extra.name for extra in roles.extras if extra.at not in implemented]
    notes = _notes(where, chain, len(present - implemented), unknown, silent)
    return MapProposal("modbus", tuple(lines(roles, points, chain.base)), notes)


def model_points(register: int, words: Sequence[int], instance: int) -> list[ModelPoint]:
    """The points of a model as its words say; none of a model that nobody has defined."""
    group = definition(words[0])
    if group is None:
        return []
    counts = counting(group)
    made = []
    for path, offset, defined in layout(group, words):
        after = offset + int(defined["size"])
        if after <= len(words):
            point = ModelPoint(words[0], register + offset, path, defined, instance)
            made.append(_point(point, words[offset:after], is_count=defined["name"] in counts))
    by_key = {point.key: point for point in made}
    return [point if _has_scale(point, by_key) else _with(point, point.constant, False) for point in made]


def _has_scale(point: ModelPoint, by_key: Mapping[str, ModelPoint]) -> bool:
    """False where the exponent of a point is not implemented: its value means nothing then."""
    holder = scale_factor_of(point, by_key)
    return holder is None or holder.constant is not None


def _point(point: ModelPoint, words: Sequence[int], *, is_count: bool) -> ModelPoint:
    defined = point.definition
    constant = words[0] if is_count or point.path in ("ID", "L") else None
    if defined["type"] == "sunssf":
        constant = None if words[0] == _NO_EXPONENT else (words[0] ^ 0x8000) - 0x8000
        return _with(point, constant, True)  # points that are there may refer to it
    return _with(point, constant, constant is not None or is_implemented(defined, words))


def _with(point: ModelPoint, constant: int | None, implemented: bool) -> ModelPoint:
    return ModelPoint(point.model, point.register, point.path, point.definition, point.instance, constant, implemented)


def is_implemented(defined: Mapping[str, object], words: Sequence[int]) -> bool:
    """False where a point has its type's value for 'not implemented'; a text that is empty is none either."""
    kind = str(defined["type"])
    if kind == "string":
        return any(words) and any(word != 0xFFFF for word in words)
    wire = data_type(map_type(kind))
    if wire is None or kind.startswith("acc"):  # accumulators say 0, which may also be what they have counted
        return True
    raw = int.from_bytes(b"".join(word.to_bytes(2, "big") for word in words), "big")
    if wire.is_float:
        exponent_bits = 8 if wire.registers == 2 else 11
        mantissa_bits = 16 * wire.registers - 1 - exponent_bits
        is_special = raw >> mantissa_bits & ((1 << exponent_bits) - 1) == (1 << exponent_bits) - 1
        return not (is_special and raw & ((1 << mantissa_bits) - 1))
    return wire.sentinel is None or raw != wire.sentinel & ((1 << 16 * wire.registers) - 1)


def _notes(where: str, chain: _Chain, absent: int, unknown: Sequence[int], silent: Sequence[str]) -> tuple[str, ...]:
    models = ", ".join(str(words[0]) for _, words in chain.models)
    notes = [
        f"SunSpec device at {where}, base {chain.base}: models {models}.",
        "Registers by the model definitions bundled with pysunspec2 (Apache-2.0, github.com/sunspec/pysunspec2).",
        "Minimum = maximum marks what does not change: ids, lengths, counts and scale factors as they were read.",
        f"{absent} points show 'not implemented'; unless they have a role they are not enabled.",
    ]
    if silent:
        notes.append(f"These show it, too, and may be unset or not there: {', '.join(silent)}.")
    if unknown:
        notes.append(f"Models without a published definition, left out: {', '.join(map(str, unknown))}.")
    if chain.broken:
        notes.append(f"Not all of the device may be here: {chain.broken}.")
    return tuple(notes)
