"""Modbus over TCP, and RTU frames over TCP: sessions as a client, outstations as a server."""

from protocols.modbus.driver import DRIVER

__all__ = ["DRIVER"]
