"""Commands in opendnp3's types, and what it says of them. Pure."""

from typing import Any

import opendnp3

from protocols.dnp3.addresses import command_variation
from protocols.dnp3.objects import build_command, parse_headers
from protocols.dnp3.opendnp3_engine.results import PointResult
from vppscada.model.commands import Command, CommandStatus, Crob
from vppscada.model.points import Point

_ANALOG_OUTPUTS = {
    1: (opendnp3.AnalogOutputInt32, int),
    2: (opendnp3.AnalogOutputInt16, int),
    3: (opendnp3.AnalogOutputFloat32, float),
    4: (opendnp3.AnalogOutputDouble64, float),
}


def point_result(result: Any) -> PointResult:
    """opendnp3's result of a command to one point."""
    points = result.to_list()
    if len(points) != 1:
        return PointResult(result.summary.name, "INIT", int(CommandStatus.UNDEFINED))
    return PointResult(result.summary.name, points[0].state.name, int(points[0].status.value))


def opendnp3_command(command: Command, point: Point, index: int) -> Any:
    """The command in opendnp3's types.

    Raises:
        ValueBeyondVariation: the value does not fit the type that the map names.
    """
    variation = command_variation(point)
    octets = build_command(index, command.body, variation)
    body = command.body
    if isinstance(body, Crob):
        return opendnp3.ControlRelayOutputBlock(
            opType=opendnp3.OperationType(int(body.operation)),
            tcc=opendnp3.TripCloseCode(int(body.trip_close)),
            clear=body.clear,
            count=body.count & 0xFF,
            onTime=body.on_ms & 0xFFFFFFFF,
            offTime=body.off_ms & 0xFFFFFFFF,
        )
    # the value as our own engine would send it
    (header,) = parse_headers(octets, objects_follow=True)
    make, number = _ANALOG_OUTPUTS[variation]
    return make(number(header.values()[0]))
