"""One line of the benchmark table: ours beside a rival measured in the same run."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """One measured figure. ``rival`` is None where nothing comparable exists."""

    name: str
    ours: float
    rival: float | None
    rival_name: str
    unit: str

    @property
    def ratio(self) -> float | None:
        """Ours by the rival's; None without a rival. Whether more is better, the unit says."""
        return None if not self.rival else self.ours / self.rival

    def as_json(self) -> dict[str, str | float | None]:
        """The row with the keys of the JSON file."""
        return {
            "name": self.name,
            "ours": self.ours,
            "rival": self.rival,
            "rival_name": self.rival_name,
            "unit": self.unit,
            "ratio": self.ratio,
        }
