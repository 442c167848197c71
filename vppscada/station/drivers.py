"""The protocols this station speaks: the one place that names them."""

from collections.abc import Awaitable, Callable, Sequence

from protocols.dnp3 import DRIVER as DNP3
from protocols.modbus import DRIVER as MODBUS
from protocols.modbus.order_survey import survey_point
from protocols.modbus.sunspec.survey import survey as survey_sunspec
from protocols.opcua import DRIVER as OPCUA
from protocols.opcua.browse import survey as survey_opcua
from vppscada.model.drivers import Driver, MakeDocuments, MakeTraceDecoder
from vppscada.model.points import Point
from vppscada.model.proposals import MapProposal

DRIVERS: dict[str, Driver] = {driver.name: driver for driver in (DNP3, MODBUS, OPCUA)}
#: Protocols whose traces and captures can be read.
DECODERS: dict[str, MakeTraceDecoder] = {DNP3.name: DNP3.trace_decoder}
#: Protocols whose outstations can be told to an EMS as documents.
DOCUMENTS: dict[str, MakeDocuments] = {DNP3.name: DNP3.documents}
#: Devices that can be asked what they are: a SunSpec device by host, port and unit, an OPC UA server by URL, user and
#: password.
SURVEY_SUNSPEC: Callable[[str, int, int], Awaitable[MapProposal]] = survey_sunspec
SURVEY_OPCUA: Callable[[str, str, str], Awaitable[MapProposal]] = survey_opcua
#: Asks a device for a point's registers and says of each order of words and bytes what it gives and whether that fits:
#: by settings, point, expected value (or None) and difference, limits, number of samples.
SurveyOrders = Callable[
    [object, Point, float | None, float, float, float, int], Awaitable[Sequence[tuple[str, tuple[float, ...], bool]]]
]
SURVEY_ORDERS: dict[str, SurveyOrders] = {MODBUS.name: survey_point}
