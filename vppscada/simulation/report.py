"""The report of the demo: one HTML page, plots inside it."""

import io
import math
from collections.abc import Callable, Mapping
from datetime import UTC
from importlib.resources import files
from pathlib import Path
from typing import Any

import jinja2
import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
from matplotlib.figure import Figure
from numpy.typing import NDArray

from vppscada import __version__
from vppscada.model.assets import Fleet
from vppscada.model.site import Site
from vppscada.simulation.samples import Samples
from vppscada.simulation.tracking import Tracking
from vppscada.simulation.verdict import LIMIT_PERCENT, Conditions

_WIDTH_IN = 10.0
_STYLE: Any = {
    "svg.fonttype": "none",
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.alpha": 0.3,
}
_MOST_POINTS = 4000  # of one line: more cannot be seen

Column = NDArray[np.float64]


def write_report(
    file: Path, site: Site, samples: Samples, found: Tracking, conditions: Conditions, summary: Mapping[str, object]
) -> None:
    """Write the page; its directory is made if need be."""
    page = render(site, samples, found, conditions, summary)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(page, encoding="utf-8")


def render(site: Site, samples: Samples, found: Tracking, conditions: Conditions, summary: Mapping[str, object]) -> str:
    """The page as text."""
    template = files("vppscada.simulation").joinpath("report.html").read_text(encoding="utf-8")
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined)
    environment.filters["figure"] = _figure_text
    return environment.from_string(template).render(
        name=site.plant.name,
        currency=site.plant.currency,
        version=__version__,
        summary=summary,
        conditions=conditions,
        found=found,
        limit=LIMIT_PERCENT,
        settle_plant_s=site.plant.settle_s,
        assets=[_asset_row(samples, asset.name, asset.kind.value) for asset in site.fleet.assets],
        plots=plots(site, samples, found, conditions) if len(samples) else {},
        notices=notices(site),
    )


def _asset_row(samples: Samples, name: str, kind: str) -> dict[str, object]:
    hours = np.diff(samples.column("plant_s"), append=samples.last("plant_s")) / 3600.0
    power = np.nan_to_num(samples.column(f"{name}.active_power"))
    return {
        "name": name,
        "kind": kind.replace("_", " "),
        "energy": float((np.maximum(power, 0.0) * hours).sum()),
        "absorbed": float((np.maximum(-power, 0.0) * hours).sum()),
        "highest": float(power.max()) if len(power) else 0.0,
        "soc": samples.last(f"{name}.state_of_charge"),
    }


def _figure_text(value: object, digits: int = 2) -> str:
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    if isinstance(value, float) and not math.isnan(value):
        return f"{value:,.{digits}f}"
    return "–"


def notices(site: Site) -> list[str]:
    """The notices that go with the site's data, as they lie beside its files."""
    directories = sorted({source.file.parent for source in site.data})
    return [file.read_text(encoding="utf-8") for directory in directories for file in sorted(directory.glob("NOTICE*"))]


# plots


def plots(site: Site, samples: Samples, found: Tracking, conditions: Conditions) -> dict[str, str]:
    """Every plot as inline SVG, by its heading."""
    drawings: dict[str, Callable[[], Figure]] = {
        "Load, target and plant power": lambda: _power_figure(samples),
        "Price": lambda: _lines(samples, {"price": "plant.price"}, f"{site.plant.currency}/MWh"),
        "Power of each asset": lambda: _asset_figure(site.fleet, samples),
        "State of charge": lambda: _soc_figure(site.fleet, samples),
        "Tracking error": lambda: _error_figure(samples, found, conditions),
        "Sessions online": lambda: _lines(samples, {"sessions": "plant.sessions_online"}, ""),
    }
    with mpl.rc_context(_STYLE):
        return {heading: _svg(draw()) for heading, draw in drawings.items()}


def _svg(figure: Figure) -> str:
    text = io.StringIO()
    figure.savefig(text, format="svg", metadata={"Date": None})
    return text.getvalue().partition("<svg")[1] + text.getvalue().partition("<svg")[2]


def _stride(samples: Samples) -> int:
    return max(len(samples) // _MOST_POINTS, 1)


def _times(samples: Samples) -> NDArray[np.datetime64]:
    seconds = samples.column("plant_s")[:: _stride(samples)]
    return (seconds * 1000.0).astype(np.int64).astype("datetime64[ms]")


def _axes(height_in: float) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(_WIDTH_IN, height_in), layout="constrained")
    return figure, figure.add_subplot()


def _finish(axes: Axes, unit: str, most_ticks: int = 9) -> None:
    axes.set_ylabel(unit)
    locator = AutoDateLocator(minticks=min(3, most_ticks - 3), maxticks=most_ticks)  # type: ignore[no-untyped-call]
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(ConciseDateFormatter(locator, tz=UTC))  # type: ignore[no-untyped-call]


def _legend(axes: Axes) -> None:
    """Above the plot, where no line is."""
    axes.legend(loc="lower left", bbox_to_anchor=(0.0, 1.0), ncols=5, frameon=False, borderpad=0.0)


def _lines(samples: Samples, columns: Mapping[str, str], unit: str, height_in: float = 2.2) -> Figure:
    figure, axes = _axes(height_in)
    times, stride = _times(samples), _stride(samples)
    for label, name in columns.items():
        axes.plot(times, samples.column(name)[::stride], label=label, linewidth=1.2, drawstyle="steps-post")
    if len(columns) > 1:
        _legend(axes)
    _finish(axes, unit)
    return figure


def _power_figure(samples: Samples) -> Figure:
    columns = {"expected load": "plant.load_forecast", "target of the EMS": "target", "plant": "plant.active_power"}
    return _lines(samples, columns, "MW", 3.2)


def _asset_figure(fleet: Fleet, samples: Samples) -> Figure:
    """Small multiples: the power, and what the device was told."""
    figure = Figure(figsize=(_WIDTH_IN, 1.6 * ((len(fleet) + 2) // 3)), layout="constrained")
    times, stride = _times(samples), _stride(samples)
    for place, asset in enumerate(fleet.assets, start=1):
        axes = figure.add_subplot((len(fleet) + 2) // 3, 3, place)
        axes.plot(times, samples.column(f"{asset.name}.setpoint_feedback")[::stride], linewidth=0.8, color="0.6")
        axes.plot(times, samples.column(f"{asset.name}.active_power")[::stride], linewidth=1.2)
        axes.set_ylim(1.05 * asset.lowest_mw - 0.02 * asset.rating_mw, 1.05 * asset.rating_mw)
        axes.set_title(asset.name, fontsize=9, loc="left")
        _finish(axes, "MW", most_ticks=5)
    return figure


def _soc_figure(fleet: Fleet, samples: Samples) -> Figure:
    columns = {a.name: f"{a.name}.state_of_charge" for a in fleet.assets if a.capacity_mwh > 0.0}
    return _lines(samples, {**columns, "all": "plant.state_of_charge"}, "%", 2.6)


def _error_figure(samples: Samples, found: Tracking, conditions: Conditions) -> Figure:
    figure, axes = _axes(2.4)
    times, stride = _times(samples), _stride(samples)
    percent = 100.0 * found.error_mw / conditions.rating_mw
    axes.plot(times, percent[::stride], linewidth=0.7, color="0.7", label="all samples")
    axes.plot(times, np.where(found.counted, percent, np.nan)[::stride], linewidth=1.2, label="after the ramp time")
    axes.axhspan(-LIMIT_PERCENT, LIMIT_PERCENT, alpha=0.1)
    _legend(axes)
    _finish(axes, "% of rating")
    return figure
