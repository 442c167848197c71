"""What the command line asks of the unit commitment benchmark."""

from dataclasses import dataclass, field
from pathlib import Path

#: A day of a dozen units, for a run that only shows that it works.
SMALL = Path(__file__).with_name("data") / "uc_small.json"


@dataclass
class Options:
    """Files of pglib-uc, and seconds for each solver on each."""

    instances: list[Path] = field(default_factory=lambda: [SMALL])
    limit_s: float = 10.0


#: Set by the command line before the benchmark runs.
CHOSEN = Options()
