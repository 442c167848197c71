"""What a checked schedule breaks, in words, less what its slacks own up to."""

from dataclasses import dataclass, field

TOLERANCE = 1e-4


@dataclass
class Findings:
    """``owned``: amount by limit and step that the schedule's own slacks tell."""

    owned: dict[tuple[str, int], float]
    texts: list[str] = field(default_factory=list)

    def most(self, what: str, step: int, value: float, limit: float, slack: str = "") -> None:
        """``value`` ≤ ``limit`` + what the slack owns up to."""
        if not value <= limit + self.owned.get((slack, step), 0.0) + TOLERANCE:
            self.texts.append(f"{what} in step {step}: {value:.6g} > {limit:.6g}")

    def least(self, what: str, step: int, value: float, limit: float, slack: str = "") -> None:
        """``value`` ≥ ``limit`` less what the slack owns up to."""
        if not value >= limit - self.owned.get((slack, step), 0.0) - TOLERANCE:
            self.texts.append(f"{what} in step {step}: {value:.6g} < {limit:.6g}")
