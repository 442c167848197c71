"""Sun and wind: as much as the forecast gives, or less; reserve stands behind what is not sure of it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vppscada.model.assets import Asset, AssetFamily, column
from vppscada.scheduling.horizon import Horizon
from vppscada.scheduling.program import Index, Limit, Program

_SAME_MW = 1e-9


@dataclass(frozen=True, slots=True, eq=False)
class Renewable:
    """Power (g, T) and what is there to be had."""

    members: Index
    assets: list[Asset]
    power: Index
    forecast: NDArray[np.float64]
    firm: NDArray[np.float64]  # what is sure of it
    doubtful: Index  # (d, T) variables, what is planned beyond what is sure, of those of which some is not
    doubted: Index  # (d,) their places among these


def available(horizon: Horizon) -> tuple[Index, list[Asset], NDArray[np.float64]]:
    """Sun and wind that take part: their places, and MW (g, T) that are there. An unknown forecast is none."""
    members = horizon.members(AssetFamily.RENEWABLE)
    assets = horizon.assets(members)
    there = np.nan_to_num(horizon.request.forecast_mw[members], nan=0.0, posinf=np.inf)
    return members, assets, np.clip(there, 0.0, column(assets, "rating_mw")[:, None])


def sure(horizon: Horizon, members: Index, there: NDArray[np.float64]) -> NDArray[np.float64]:
    """What of ``there`` (g, T) needs no reserve: what is firm of it; all of it where no reserve is asked for."""
    request = horizon.request
    if request.firm_mw is None:
        return there
    asked = (request.reserve_mw > 0.0) | horizon.covers_losses
    firm = np.clip(np.nan_to_num(request.firm_mw[members], nan=0.0, posinf=np.inf), 0.0, there)
    return np.where(asked, firm, there)


def add_renewable(program: Program, horizon: Horizon) -> Renewable:
    """0 ≤ power ≤ forecast; doubtful ≥ power − what is sure.

    They hold no spinning reserve: an expected headroom is not a firm one.
    """
    members, assets, forecast = available(horizon)
    power = program.block(forecast.shape, 0.0, forecast)
    firm = sure(horizon, members, forecast)
    doubt = forecast - firm > _SAME_MW
    doubted = np.flatnonzero(doubt.any(axis=1))
    doubtful = program.block((len(doubted), horizon.steps), 0.0, np.where(doubt[doubted], np.inf, 0.0))
    program.at_most(
        (int(doubt.sum()),), firm[doubt], (power[doubt], 1.0), (doubtful[doubt[doubted]], -1.0), limit=Limit.DOUBT
    )
    return Renewable(members, assets, power, forecast, firm, doubtful, doubted)
