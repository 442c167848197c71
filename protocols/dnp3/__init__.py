"""DNP3 (IEEE 1815): master sessions and outstations of our own, on Twisted transports."""

from protocols.dnp3.driver import DRIVER

__all__ = ["DRIVER"]
