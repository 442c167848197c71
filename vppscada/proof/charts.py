"""A step chart of powers as SVG, to stand in a page. Pure."""

from collections.abc import Mapping

import numpy as np
from markupsafe import Markup, escape
from numpy.typing import NDArray

Column = NDArray[np.float64]

_WIDTH, _HEIGHT, _LEFT, _BOTTOM = 900.0, 260.0, 50.0, 20.0
_COLOURS = ("#c0392b", "#1f618d", "#7f8c8d", "#117a65")


def chart(lines: Mapping[str, Column], hours: Column) -> Markup:
    """Steps of each line in MW over hours; where a value is not known (NaN) there is no line."""
    values = np.concatenate([*lines.values(), np.zeros(1)])
    known = values[~np.isnan(values)]
    low, high = float(known.min()), float(known.max())
    span = max(high - low, 1e-6)
    at = np.concatenate([[0.0], np.cumsum(hours)])
    x = _LEFT + at / max(float(at[-1]), 1e-9) * (_WIDTH - _LEFT - 10.0)

    def y(value: float) -> float:
        return _HEIGHT - _BOTTOM - (value - low) / span * (_HEIGHT - _BOTTOM - 20.0)

    parts = [f'<svg viewBox="0 0 {_WIDTH:g} {_HEIGHT:g}" width="100%" role="img">']
    for mark in (low, high, 0.0):
        parts.append(f'<line x1="{_LEFT:g}" x2="{_WIDTH:g}" y1="{y(mark):.1f}" y2="{y(mark):.1f}" stroke="#ddd"/>')
        parts.append(f'<text x="0" y="{y(mark) + 4:.1f}" font-size="11">{mark:.2f} MW</text>')
    for place, (name, value) in enumerate(lines.items()):
        colour = _COLOURS[place % len(_COLOURS)]
        path = "".join(
            f"M{x[i]:.1f} {y(one):.1f}H{x[i + 1]:.1f}" for i, one in enumerate(value.tolist()) if not np.isnan(one)
        )
        parts.append(f'<path d="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        left = _LEFT + 100.0 * place
        parts.append(f'<text x="{left:g}" y="12" font-size="12" fill="{colour}">{escape(name)}</text>')
    return Markup("".join([*parts, "</svg>"]))
