"""A price that comes anew while the station runs is planned with at once; one that is no good changes nothing."""

import asyncio
import contextlib
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


def dearer(text: str) -> str:
    """Every price 50 higher."""
    header, *rows = text.splitlines()
    place = header.split(",").index("price_eur_per_mwh")
    cells = [row.split(",") for row in rows]
    for row in cells:
        row[place] = str(float(row[place]) + 50.0)
    return "\n".join([header, *(",".join(row) for row in cells), ""])


def written(file: Path, text: str) -> None:
    """Aside and renamed."""
    aside = file.with_suffix(".new")
    aside.write_text(text, encoding="utf-8")
    aside.rename(file)


def fetched_from(site: Path, url: str) -> None:
    """The price comes from there, every second."""
    text = site.read_text(encoding="utf-8")
    assert text.count('name = "price"\n') == 1
    site.write_text(text.replace('name = "price"\n', f'name = "price"\nurl = "{url}"\nevery_s = 1.0\n'), "utf-8")


async def test_a_new_price_is_planned_with_and_a_bad_one_is_not(tmp_path: Path) -> None:
    site, prices = site_with_prices_of_its_own(tmp_path)
    async with Processes(site, tmp_path, speed=10.0) as plant:
        await plant.start_all()
        async with Ems(plant) as ems:
            await settle_on_target(ems)
            before = ems.value("plant.price")
            written(prices, dearer(prices.read_text(encoding="utf-8")))
            await until(lambda: ems.value("plant.price") > before + 40.0, START_UP_S, "the price is another one")
            await until(lambda: '"series changed"' in plant.log("station"), START_UP_S, "it is planned with")
            prices.write_text("price_eur_per_mwh\nnone today\n", encoding="utf-8")
            await until(lambda: '"series_not_read"' in plant.log("station"), START_UP_S, "that is told")
            assert ems.value("plant.price") > before + 40.0
            assert await plant.end("station") == 0
        assert plant.complaints() == []


async def test_prices_of_a_server_are_planned_with_and_survive_it(tmp_path: Path) -> None:
    site, prices = site_with_prices_of_its_own(tmp_path)
    body = dearer(prices.read_text(encoding="utf-8")).encode()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            await reader.readuntil(b"\r\n\r\n")
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n" % len(body) + body)
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/prices.csv"
    fetched_from(Path(site), url)
    async with Processes(site, tmp_path, speed=10.0) as plant:
        await plant.start_all()
        async with Ems(plant) as ems:
            await until(lambda: '"series_read_again"' in plant.log("station"), START_UP_S, "what was fetched is read")
            await settle_on_target(ems)
            of_server = ems.value("plant.price")
            server.close()
            await until(lambda: '"series_not_fetched"' in plant.log("station"), START_UP_S, "the server is missed")
            assert await plant.end("station") == 0
            await plant.start_station("again")
            await until(lambda: '"series_read_again"' in plant.log("again"), START_UP_S, "kept over a restart")
            await until(lambda: ems.value("plant.price") > 40.0, START_UP_S, "and in force")
        assert of_server > 40.0
        assert plant.complaints() == []
