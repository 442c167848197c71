"""What a fragment's objects can be refused for."""

from enum import IntFlag
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from protocols.dnp3.objects.headers import ObjectHeader


class ObjectFault(IntFlag):
    """The internal indications (second octet) that answer a request which cannot be served."""

    FUNCTION_NOT_SUPPORTED = 0x01
    OBJECT_UNKNOWN = 0x02
    PARAMETER_ERROR = 0x04


class ObjectError(Exception):
    """The peer's objects do not parse. ``parsed`` holds the headers before the faulty one."""

    def __init__(self, fault: ObjectFault, detail: str, parsed: "tuple[ObjectHeader, ...]" = ()) -> None:
        self.fault = fault
        self.detail = detail
        self.parsed = parsed
        super().__init__(f"{fault.name}: {detail}")
