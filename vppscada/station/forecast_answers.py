"""What the local API tells of series and forecasts: how fresh they are, and how good they were."""

from dataclasses import asdict

from vppscada.plant.outlook import TARGET
from vppscada.plant.scorecard import Card
from vppscada.station.api_answers import Answer, number
from vppscada.station.forecaster import Forecaster
from vppscada.station.plant_service import PlantService
from vppscada.station.supervisor import wall_ms

#: Cards in one answer; more are asked for page by page.
CARDS_PAGE = 500


def forecasts_page(plant: PlantService, forecaster: Forecaster, offset: int) -> Answer:
    """The series, and the cards from the one at ``offset`` on; ``next`` is the offset of the next page, or null.

    Errors are in MW; ``rating_mw`` is that of the asset, or of the fleet for the target.
    """
    now_ms = wall_ms()
    plant_ms = plant.clock.plant_ms(now_ms)
    fleet = plant.site.fleet
    ratings = {asset.name: asset.rating_mw for asset in fleet.assets} | {TARGET: fleet.rating_mw}
    cards = forecaster.cards()
    end = min(offset + CARDS_PAGE, len(cards))
    return {
        "plant_time_ms": plant_ms,
        "past_days": round(forecaster.days, 3),
        "series": [] if offset else [_series(plant, source.name, plant_ms, now_ms) for source in plant.site.data],
        "cards": [_card(card, ratings[card.name]) for card in cards[offset:end]],
        "next": end if end < len(cards) else None,
    }


def _series(plant: PlantService, name: str, plant_ms: int, now_ms: int) -> Answer:
    found = plant.expectations.series[name]
    ahead_h = (int(found.time_ms[-1]) + found.step_ms - plant_ms) / 3.6e6
    return {
        "series": name,
        "value": number(plant.expectations.now(name, plant_ms)),
        "age_s": None if found.mark is None else round(max(now_ms / 1000.0 - found.mark[0] / 1e9, 0.0), 1),
        "ahead_h": round(ahead_h, 3),
        "stale": name in plant.expectations.stale,
        "quantiles": found.p10 is not None and found.p90 is not None,
    }


def _card(card: Card, rating_mw: float) -> Answer:
    told = {key: number(value) if isinstance(value, float) else value for key, value in asdict(card).items()}
    return told | {"skill": number(card.skill), "rating_mw": rating_mw}
