"""The protocols this station speaks: the one place that names them."""

from protocols.dnp3 import DRIVER as DNP3
from protocols.modbus import DRIVER as MODBUS
from protocols.opcua import DRIVER as OPCUA
from vppscada.model.drivers import Driver, MakeDocuments, MakeTraceDecoder

DRIVERS: dict[str, Driver] = {driver.name: driver for driver in (DNP3, MODBUS, OPCUA)}
#: Protocols whose traces and captures can be read.
DECODERS: dict[str, MakeTraceDecoder] = {DNP3.name: DNP3.trace_decoder}
#: Protocols whose outstations can be told to an EMS as documents.
DOCUMENTS: dict[str, MakeDocuments] = {DNP3.name: DNP3.documents}
