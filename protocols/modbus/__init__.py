"""Modbus over TCP, TLS, serial lines and serial gateways: sessions as a client, outstations as a server."""

from protocols.modbus.driver import DRIVER

__all__ = ["DRIVER"]
