"""Sun, wind and air of each asset at a moment of plant time, from the site's data."""

import math
from collections.abc import Mapping

import numpy as np

from vppscada.model.assets import Asset, AssetFamily
from vppscada.model.site import Site
from vppscada.plant.series import Series, read_series
from vppscada.simulation.devices.state import Environment

_DAY_S = 86_400.0


class Surroundings:
    """Looks up what there is for one asset.

    A renewable asset whose ``forecast`` is ``X_forecast`` gets ``X_actual`` where the site has that source,
    else what was forecast. Outside the data its span repeats, so that a simulation can run at any time.
    """

    def __init__(self, asset: Asset, series: Mapping[str, Series], ambient: str = "") -> None:
        self._available = _resource(asset, series)
        self._ambient = series.get(ambient)

    @classmethod
    def of(cls, site: Site, asset: Asset) -> "Surroundings":
        """Read the site's data sources that the asset needs.

        Raises:
            ConfigError: one cannot be read.
        """
        wanted = {asset.forecast, _actual(asset.forecast), site.schedule.ambient} - {""}
        series = {source.name: read_series(source) for source in site.data if source.name in wanted}
        return cls(asset, series, site.schedule.ambient)

    def at(self, plant_ms: int) -> Environment:
        """What surrounds the asset at a plant time, UTC milliseconds."""
        return Environment(
            plant_s=plant_ms / 1000.0,
            available_mw=_look_up(self._available, plant_ms, 0.0),
            ambient_degc=_look_up(self._ambient, plant_ms, usual_ambient_degc(plant_ms / 1000.0)),
        )


def usual_ambient_degc(plant_s: float) -> float:
    """A day of early summer where no data say otherwise: 12 °C before dawn, 24 °C in the afternoon (UTC)."""
    return 18.0 + 6.0 * math.sin(2.0 * math.pi * (plant_s % _DAY_S / _DAY_S - 0.375))


def _actual(forecast: str) -> str:
    return f"{forecast.removesuffix('_forecast')}_actual" if forecast else ""


def _resource(asset: Asset, series: Mapping[str, Series]) -> Series | None:
    if asset.kind.family is not AssetFamily.RENEWABLE:
        return None
    return series.get(_actual(asset.forecast)) or series.get(asset.forecast)


def _look_up(series: Series | None, plant_ms: int, missing: float) -> float:
    if series is None:
        return missing
    first = int(series.time_ms[0])
    span = int(series.time_ms[-1]) + series.step_ms - first
    value = float(series.at(np.array([first + (plant_ms - first) % span], dtype=np.int64))[0])
    return value if math.isfinite(value) else missing
