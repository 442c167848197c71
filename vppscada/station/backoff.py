"""How long to wait before the next try. Pure: the random number is an argument."""

_FIRST_S = 0.5
_LONGEST_S = 30.0


def delay_s(attempts: int, random: float, first_s: float = _FIRST_S, longest_s: float = _LONGEST_S) -> float:
    """Seconds before try number ``attempts`` + 1, after ``attempts`` failures in a row (≥ 1).

    Doubles from ``first_s`` up to ``longest_s``; ``random`` in [0, 1) takes away up to half of it, so that
    many sessions lost at once do not come back at once.
    """
    full = min(longest_s, first_s * 2.0 ** min(max(attempts, 1) - 1, 30))
    return full * (1.0 - random / 2.0)
