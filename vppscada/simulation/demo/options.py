"""What the demo was asked for."""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from vppscada.model.errors import VppscadaError

#: Where plant time begins: Monday morning of the data's week.
PLANT_START_MS = round(datetime(2024, 7, 1, 6, tzinfo=UTC).timestamp() * 1000)


@dataclass(frozen=True, slots=True)
class DemoOptions:
    """Options of ``vppscada demo``. Durations are wall seconds."""

    site: Path
    duration_s: float | None = None
    speed: float = 120.0  # plant seconds per second
    report: Path = Path("report/demo.html")
    summary: Path | None = None
    log_dir: Path | None = None  # default: beside the report
    seed: int = 1
    plain: bool = False
    kill_device: tuple[str, ...] = ()  # NAME@T:D


@dataclass(frozen=True, slots=True)
class Kill:
    """A device process that is killed at ``at_s`` seconds of the demo and started again ``after_s`` later."""

    session: str
    at_s: float
    after_s: float


def parse_kill(text: str, sessions: frozenset[str]) -> Kill:
    """Read ``NAME@T:D``.

    Raises:
        VppscadaError: it is not of that form, or there is no such session.
    """
    name, _, when = text.partition("@")
    at, _, after = when.partition(":")
    try:
        kill = Kill(name, float(at), float(after))
    except ValueError:
        kill = None
    if kill is None or name not in sessions or not kill.at_s >= 0.0 or not kill.after_s >= 0.0:
        names = ", ".join(sorted(sessions))
        raise VppscadaError(f"--kill-device {text}: expected NAME@T:D in seconds, NAME one of {names}")
    return kill
