"""`vppscada demo`: simulated devices, the station and an EMS as processes of their own, with a table and a report."""

from vppscada.simulation.demo.options import DemoOptions
from vppscada.simulation.demo.run import run_demo

__all__ = ["DemoOptions", "run_demo"]
