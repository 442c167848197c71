"""Traces: channels recorded to pcapng in a ring of files, and captures turned into lines that engineers read."""

from protocols.dnp3.trace.decoder import TraceDecoder
from protocols.dnp3.trace.recorder import record
from protocols.dnp3.trace.ring import TraceSettings

__all__ = ["TraceDecoder", "TraceSettings", "record"]
