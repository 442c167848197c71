"""A price that comes anew while the station runs is planned with at once; one that is no good changes nothing."""

import shutil
from pathlib import Path

import pytest

from tests.scenario.harness import Ems, Processes, until
from tests.scenario.test_resilience import SITE, START_UP_S, settle_on_target

pytestmark = pytest.mark.timeout(300)

_PRICES = "be_day_ahead_2024-07-01_07.csv"


def site_with_prices_of_its_own(directory: Path) -> tuple[str, Path]:
    """The plant of the other scenarios; its price file may be written to."""
    here, maps = Path(SITE).parent, Path(__file__).parents[2] / "point_maps"
    shutil.copy(maps / "sites" / "demo" / "data" / _PRICES, directory / _PRICES)
    shutil.copy(here / "ems.csv", directory / "ems.csv")
    text = (here / "site.toml").read_text(encoding="utf-8")
    assert text.count(f"../../../point_maps/sites/demo/data/{_PRICES}") == 1
    text = text.replace(f"../../../point_maps/sites/demo/data/{_PRICES}", _PRICES)
    (directory / "site.toml").write_text(text.replace("../../../point_maps", str(maps)), encoding="utf-8")
    return str(directory / "site.toml"), directory / _PRICES


def dearer(file: Path) -> None:
    """Every price 50 higher, written aside and renamed."""
    header, *rows = file.read_text(encoding="utf-8").splitlines()
    place = header.split(",").index("price_eur_per_mwh")
    cells = [row.split(",") for row in rows]
    for row in cells:
        row[place] = str(float(row[place]) + 50.0)
    aside = file.with_suffix(".new")
    aside.write_text("\n".join([header, *(",".join(row) for row in cells), ""]), encoding="utf-8")
    aside.rename(file)


async def test_a_new_price_is_planned_with_and_a_bad_one_is_not(tmp_path: Path) -> None:
    site, prices = site_with_prices_of_its_own(tmp_path)
    async with Processes(site, tmp_path, speed=10.0) as plant:
        await plant.start_all()
        async with Ems(plant) as ems:
            await settle_on_target(ems)
            before = ems.value("plant.price")
            dearer(prices)
            await until(lambda: ems.value("plant.price") > before + 40.0, START_UP_S, "the price is another one")
            await until(lambda: '"series changed"' in plant.log("station"), START_UP_S, "it is planned with")
            prices.write_text("price_eur_per_mwh\nnone today\n", encoding="utf-8")
            await until(lambda: '"series_not_read"' in plant.log("station"), START_UP_S, "that is told")
            assert ems.value("plant.price") > before + 40.0
            assert await plant.end("station") == 0
        assert plant.complaints() == []
