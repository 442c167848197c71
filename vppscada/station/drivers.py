"""The protocols this station speaks: the one place that names them."""

from collections.abc import Awaitable, Callable

from protocols.dnp3 import DRIVER as DNP3
from protocols.modbus import DRIVER as MODBUS
from protocols.modbus.sunspec.survey import survey as survey_sunspec
from protocols.opcua import DRIVER as OPCUA
from vppscada.model.drivers import Driver, MakeDocuments, MakeTraceDecoder
from vppscada.model.proposals import MapProposal

DRIVERS: dict[str, Driver] = {driver.name: driver for driver in (DNP3, MODBUS, OPCUA)}
#: Protocols whose traces and captures can be read.
DECODERS: dict[str, MakeTraceDecoder] = {DNP3.name: DNP3.trace_decoder}
#: Protocols whose outstations can be told to an EMS as documents.
DOCUMENTS: dict[str, MakeDocuments] = {DNP3.name: DNP3.documents}
#: Devices that can be asked what they are: by word, from host, port and unit.
SURVEYS: dict[str, Callable[[str, int, int], Awaitable[MapProposal]]] = {"sunspec": survey_sunspec}
