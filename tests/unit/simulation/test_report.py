"""The page of the demo."""

import re
from pathlib import Path

import numpy as np
import pytest

from vppscada.maps import find_site, load_site
from vppscada.model.site import Site
from vppscada.simulation.report import render, write_report
from vppscada.simulation.samples import Samples
from vppscada.simulation.verdict import Conditions, judge_tracking, summarise
from vppscada.station.drivers import DRIVERS

NAMES = (
    "wall_s",
    "plant_s",
    "target",
    "plant.active_power",
    "plant.sessions_online",
    "plant.schedule_ok",
    "plant.price",
)


@pytest.fixture(scope="module")
def site() -> Site:
    return load_site(find_site("demo"), DRIVERS)


def page(site: Site, rows: int, reasons: list[str]) -> str:
    samples = Samples((*NAMES, "battery1.active_power", "battery1.state_of_charge"))
    for i in range(rows):
        samples.append(np.array([0.25 * i, 1.7e9 + 30 * i, 10.0, 10.1, 9.0, 1.0, 55.0, 2.0, 50.0]))
    conditions = Conditions(9, 37.5, 2.0, 3.0, 120.0, 30.0)
    found = judge_tracking(samples, conditions)
    return render(site, samples, found, conditions, summarise(samples, found, conditions, {"events": 5}, reasons))


def test_the_page_has_its_plots_figures_definition_and_notices(site: Site) -> None:
    text = page(site, 120, [])
    assert text.count("<svg") == text.count("</svg>") == 6
    assert "The plant ran as it should." in text
    assert "0.267 % of rating" in text
    assert "mean of |target" in text
    for word in ("NREL", "U.S. Department of Energy", "ENTSO-E", "DATA USE DISCLAIMER AGREEMENT"):
        assert word in text
    assert not re.search(
        r"https?://(?!www\.w3\.org|creativecommons|purl\.org|matplotlib\.org)[^\"' ]+\.(js|css|png)", text
    )


def test_what_went_wrong_is_said_and_cannot_break_the_page(site: Site) -> None:
    text = page(site, 120, ["station (status 1): <script>alert(1)</script>"])
    assert "The plant did not run as it should" in text
    assert "<script>" not in text


def test_a_run_without_a_sample_has_a_page_too(site: Site, tmp_path: Path) -> None:
    assert "did not run" in page(site, 0, ["nothing came up"])
    samples = Samples(NAMES)
    conditions = Conditions(9, 37.5, 2.0, 3.0, 120.0, 1.0)
    found = judge_tracking(samples, conditions)
    file = tmp_path / "deep" / "er" / "demo.html"
    write_report(file, site, samples, found, conditions, summarise(samples, found, conditions, {}, ["x"]))
    assert file.read_text(encoding="utf-8").startswith("<!doctype html>")
