"""Sun and wind: as much as the forecast gives, or less."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vppscada.model.assets import Asset, AssetFamily, column
from vppscada.scheduling.horizon import Horizon
from vppscada.scheduling.program import Index, Program


@dataclass(frozen=True, slots=True, eq=False)
class Renewable:
    """Power (g, T) and what is there to be had."""

    members: Index
    assets: list[Asset]
    power: Index
    forecast: NDArray[np.float64]


def available(horizon: Horizon) -> tuple[Index, list[Asset], NDArray[np.float64]]:
    """Sun and wind that take part: their places, and MW (g, T) that are there. An unknown forecast is none."""
    members = horizon.members(AssetFamily.RENEWABLE)
    assets = horizon.assets(members)
    there = np.nan_to_num(horizon.request.forecast_mw[members], nan=0.0, posinf=np.inf)
    return members, assets, np.clip(there, 0.0, column(assets, "rating_mw")[:, None])


def add_renewable(program: Program, horizon: Horizon) -> Renewable:
    """0 ≤ power ≤ forecast. They hold no spinning reserve: an expected headroom is not a firm one."""
    members, assets, forecast = available(horizon)
    return Renewable(
        members=members,
        assets=assets,
        power=program.block(forecast.shape, 0.0, forecast),
        forecast=forecast,
    )
