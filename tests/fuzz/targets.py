"""The fuzz targets by name: each takes any octets and raises if a rule of the project does not hold."""

from collections.abc import Callable

from tests.fuzz.layers import application, link, transport
from tests.fuzz.master import master
from tests.fuzz.outstation import outstation
from tests.fuzz.traces import trace

TARGETS: dict[str, Callable[[bytes], None]] = {
    "link": link,
    "transport": transport,
    "application": application,
    "outstation": outstation,
    "master": master,
    "trace": trace,
}
