"""OPC UA client sessions and servers, on asyncua."""

from protocols.opcua.driver import DRIVER

__all__ = ["DRIVER"]
