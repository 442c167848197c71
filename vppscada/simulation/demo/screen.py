"""The live table of the demo, or plain lines where there is no terminal. Shows what the EMS saw, nothing else."""

import math
import sys
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from vppscada.model.assets import Fleet

#: What is asked for a value by its name; NaN = not known.
Look = Callable[[str], float]

_PLAIN_EVERY_S = 5.0


def shown(value: float, digits: int = 2, units: str = "") -> str:
    """A figure, or a dash where it is not known."""
    return "–" if math.isnan(value) else f"{value:,.{digits}f}{units}"


def plant_time(plant_ms: int) -> str:
    """Plant time for people."""
    return datetime.fromtimestamp(plant_ms / 1000.0, UTC).strftime("%a %d %b %Y %H:%M UTC")


def plain_line(look: Look, plant_ms: int, states: Mapping[str, str]) -> str:
    """The plant in one line."""
    online = sum(state == "online" for state in states.values())
    return (
        f"{plant_time(plant_ms)}  target {shown(look('plant.target'))} MW  plant {shown(look('plant.active_power'))} MW"
        f"  SoC {shown(look('plant.state_of_charge'), 0)} %  price {shown(look('plant.price'))}"
        f"  cost {shown(look('plant.cost'), 0)}  revenue {shown(look('plant.revenue'), 0)}"
        f"  sessions {online}/{len(states)}"
    )


def heading(look: Look, plant_ms: int, currency: str) -> Table:
    """The plant as one generator."""
    table = Table.grid(padding=(0, 3))
    cells = [
        ("target", shown(look("plant.target"), 2, " MW")),
        ("plant", shown(look("plant.active_power"), 2, " MW")),
        ("shortfall", shown(look("plant.shortfall"), 2, " MW")),
        ("state of charge", shown(look("plant.state_of_charge"), 1, " %")),
        ("price", shown(look("plant.price"), 2, f" {currency}/MWh")),
        ("cost", shown(look("plant.cost"), 0, f" {currency}")),
        ("revenue", shown(look("plant.revenue"), 0, f" {currency}")),
        ("delivered", shown(look("plant.energy"), 2, " MWh")),
    ]
    for _ in cells:
        table.add_column(justify="right")
    table.add_row(*(Text(name, style="dim") for name, _ in cells))
    table.add_row(*(Text(value, style="bold") for _, value in cells))
    table.title = plant_time(plant_ms)
    table.title_justify = "left"
    return table


def fleet_table(fleet: Fleet, look: Look, states: Mapping[str, str]) -> Table:
    """One line an asset."""
    table = Table(expand=False)
    table.add_column("asset")
    table.add_column("kind", style="dim")
    for name in ("MW", "setpoint", "SoC %"):
        table.add_column(name, justify="right")
    table.add_column("state")
    table.add_column("session")
    for asset in fleet.assets:
        session = states[asset.name]
        table.add_row(
            asset.name,
            asset.kind.replace("_", " "),
            shown(look(f"{asset.name}.active_power"), 3),
            shown(look(f"{asset.name}.setpoint_feedback"), 3),
            shown(look(f"{asset.name}.state_of_charge"), 1) if asset.capacity_mwh else "",
            _state(look, asset.name),
            Text(session, style="green" if session == "online" else "bold red"),
        )
    return table


def _state(look: Look, asset: str) -> str:
    if look(f"{asset}.fault") == 1.0:
        return "tripped"
    running = look(f"{asset}.running")
    return "–" if math.isnan(running) else "running" if running else "off"


class Screen:
    """Shows the demo four times a second, or a line every few seconds where nobody watches."""

    def __init__(self, fleet: Fleet, currency: str, plain: bool) -> None:
        self._fleet = fleet
        self._currency = currency
        self._live = None if plain or not sys.stdout.isatty() else Live(console=Console(), refresh_per_second=4)
        self._told_at = -math.inf

    def __enter__(self) -> "Screen":
        if self._live is not None:
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._live is not None:
            self._live.stop()

    def show(self, look: Look, plant_ms: int, states: Mapping[str, str], elapsed_s: float) -> None:
        """Show this moment."""
        if self._live is not None:
            self._live.update(
                Group(heading(look, plant_ms, self._currency), fleet_table(self._fleet, look, states)), refresh=False
            )
        elif elapsed_s - self._told_at >= _PLAIN_EVERY_S:
            self._told_at = elapsed_s
            self.say(f"{elapsed_s:6.1f} s  {plain_line(look, plant_ms, states)}")

    def say(self, line: str) -> None:
        """Say something in words."""
        if self._live is not None and self._live.is_started:
            self._live.console.print(line, highlight=False, markup=False)
        else:
            sys.stdout.write(line + "\n")
            sys.stdout.flush()
