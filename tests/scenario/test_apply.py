"""A changed site put in force by a station that runs, and taken back: what it does not concern is not touched."""

import json
import shutil
from pathlib import Path

import pytest

from tests.scenario.harness import Ems, Processes, free_ports, until
from tests.scenario.test_local_api import vppscada
from vppscada.admin.station_client import StationClient
from vppscada.maps import load_site
from vppscada.maps.columns import COLUMNS
from vppscada.model.commands import Accepted
from vppscada.model.quality import Quality
from vppscada.station.drivers import DRIVERS

pytestmark = pytest.mark.timeout(300)

HERE = Path(__file__).with_name("two_assets")
MAPS = Path(__file__).parents[2] / "point_maps"
START_S = 60.0
TARGET_MW = 1.0
VOLTAGE = "voltage,Generator voltage L1-L2,analog_input,voltage,input_register,105,,,,,uint16,1,,V,"


class Files:
    """The site of two assets as files of one's own, to be changed like an engineer changes them."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self.site, self.genset, self.ems = folder / "site.toml", folder / "modbus_genset.csv", folder / "ems.csv"
        shutil.copy(MAPS / "modbus_genset.csv", self.genset)
        shutil.copy(HERE / "ems.csv", self.ems)
        first, *after = (HERE / "site.toml").read_text().replace("../../../point_maps", str(MAPS)).split("port = ")
        ends = [part.partition("\n")[2] for part in after]
        ports = [f"port = {port}\n" for port in free_ports(len(ends))]
        self.site.write_text(first + "".join(port + end for port, end in zip(ports, ends, strict=True)))

    @staticmethod
    def change(file: Path, old: str, new: str) -> None:
        text = file.read_text()
        assert text.count(old) == 1, old
        file.write_text(text.replace(old, new))

    def drop_table(self, heading: str, name: str) -> None:
        text = self.site.read_text()
        start = text.index(f'[[{heading}]]\nname = "{name}"')
        end = text.find("\n[[", start + 1)
        self.site.write_text(text[:start] + (text[end + 1 :] if end >= 0 else ""))


def value(state: Path, point: str) -> dict[str, object]:
    with StationClient(state) as station:
        (found,) = station.points([point])
    return found


async def started(plant: Processes) -> None:
    """Every process has read the site files, so that they may be changed."""
    await plant.start_all()
    await until(lambda: "station_ready" in plant.log("station"), START_S, "the station is ready")
    devices = [spec.name for spec in plant.site.sessions]
    await until(lambda: all("device_listened" in plant.log(name) for name in devices), START_S, "its devices listen")


async def test_a_changed_map_starts_its_own_session_anew_and_nothing_else(tmp_path: Path) -> None:
    files = Files(tmp_path / "site")
    async with Processes(str(files.site), tmp_path, 60.0, own_ports=True) as plant:
        await started(plant)
        state = str(plant.state)
        async with Ems(plant) as ems:
            await until(lambda: ems.value("plant.sessions_online") == 2, START_S, "both sessions up")
            assert await ems.set_analog("plant.target_command", TARGET_MW) == Accepted()
            with StationClient(plant.state) as station:
                force = {"point": "battery.voltage", "value": 90.0, "reason": "test", "by": "ann"}
                station.call("force", force)

            status, out, _ = await vppscada("apply", str(files.site), "--state", state, "--yes")
            assert (status, out) == (0, "nothing would change\n")

            files.change(files.genset, VOLTAGE, VOLTAGE.replace(",1,,V,", ",0.1,,V,"))
            status, out, _ = await vppscada("apply", str(files.site), "--state", state, "--within", "8", "--yes")
            assert status == 0, out + plant.log("station")
            assert "point genset.voltage rescaled: scale 1 → 0.1" in out
            assert "1 of 2 sessions would be started anew; 0 EMS outstations affected" in out
            assert out.endswith("in force, and what was good before is good after 8 s\n")
            voltage = value(plant.state, "genset.voltage")
            assert voltage["quality"] == "ONLINE" and 900.0 < float(str(voltage["value"])) < 1200.0  # a tenth of 11 kV
            assert "LOCAL_FORCED" in str(value(plant.state, "battery.voltage")["quality"])

            assert ems.losses == 0
            assert await ems.set_analog("plant.target_command", TARGET_MW + 0.25) == Accepted()
            await until(lambda: abs(ems.value("plant.active_power") - 1.25) < 0.15, START_S, "the plant on its target")
        begun = [line for line in plant.log("station").splitlines() if "session_started" in line]
        assert [sum(f'"{name}"' in line for line in begun) for name in ("battery", "genset")] == [1, 2]
        assert await plant.end("station") == 0
        assert plant.complaints() == []


async def test_a_change_that_costs_quality_is_taken_back(tmp_path: Path) -> None:
    files = Files(tmp_path / "site")
    async with Processes(str(files.site), tmp_path, 60.0, own_ports=True) as plant:
        await started(plant)
        state = str(plant.state)
        await until(lambda: value(plant.state, "genset.voltage")["quality"] == "ONLINE", START_S, "the genset is read")

        files.change(files.genset, VOLTAGE, VOLTAGE.replace(",105,", ",no,"))
        status, _, err = await vppscada("apply", str(files.site), "--state", state, "--yes")
        assert status == 1 and "modbus_genset.csv:8:69" in err and "nothing is in force" in err

        files.change(files.genset, ",no,", ",4105,")  # a register that the device does not have
        command = ("apply", str(files.site), "--state", state, "--within", "6", "--yes")
        status, out, _ = await vppscada(*command)
        assert status == 4, out
        assert "point genset.voltage renumbered" in out
        assert "taken back: 1 points were good before and were not any more\n  genset.voltage\n" in out

        await until(lambda: value(plant.state, "genset.voltage")["quality"] == "ONLINE", START_S, "as it was")
        status, out, _ = await vppscada("plan", str(files.site), "--against", state)
        assert status == 3 and "point genset.voltage renumbered" in out  # the files still have it
        status, out, _ = await vppscada(*command[:-1])
        assert status == 1  # nobody at a terminal to agree
        assert await plant.end("station") == 0
        assert plant.complaints() == []


async def test_an_asset_and_its_session_leave_and_the_outstation_tells_it(tmp_path: Path) -> None:
    files = Files(tmp_path / "site")
    async with Processes(str(files.site), tmp_path, 60.0, own_ports=True) as plant:
        await started(plant)
        async with Ems(plant) as ems:
            await until(lambda: ems.value("plant.sessions_online") == 2, START_S, "both sessions up")
            for table in ("session", "asset"):
                files.drop_table(table, "genset")
            files.change(files.site, 'assets = ["battery", "genset"]', 'assets = ["battery"]')
            kept = [line for line in files.ems.read_text().splitlines() if not line.startswith("genset.")]
            files.ems.write_text("\n".join(kept) + "\n")
            command = ("apply", str(files.site), "--state", str(plant.state), "--within", "5", "--yes", "--json")
            status, out, _ = await vppscada(*command)
            assert (status, json.loads(out)) == (0, {"kept": True, "fallen": [], "lost": 0})
            await until(lambda: ems.value("plant.sessions_online") == 1, START_S, "the genset is gone")
            assert ems.losses > 0  # its outstation was started anew
            assert ems.quality("battery.active_power") == Quality.ONLINE
            assert await ems.set_analog("plant.target_command", 0.5) == Accepted()
            await until(lambda: abs(ems.value("battery.active_power") - 0.5) < 0.1, START_S, "the battery alone")
        assert await plant.end("station") == 0
        assert plant.complaints() == []


async def test_an_outstation_that_cannot_listen_leaves_the_site_as_it_was(tmp_path: Path) -> None:
    files = Files(tmp_path / "site")
    async with Processes(str(files.site), tmp_path, 60.0, own_ports=True) as plant:
        await started(plant)
        async with Ems(plant) as ems:
            await until(lambda: ems.value("plant.sessions_online") == 2, START_S, "both sessions up")
            port = plant.settings["ems.ems.port"]
            files.change(files.site, f"port = {port}", f"port = {plant.settings['session.battery.port']}")
            status, _, err = await vppscada("apply", str(files.site), "--state", str(plant.state), "--yes")
            assert status == 1 and "ems 'ems' cannot listen" in err
            events = len(ems.events)
            await until(lambda: len(ems.events) > events, START_S, "the outstation serves again")
            await until(lambda: ems.value("plant.sessions_online") == 2, START_S, "sessions as before")
        begun = [line for line in plant.log("station").splitlines() if "session_started" in line]
        assert len(begun) == 2  # the devices' sessions were never touched
        assert await plant.end("station") == 0
        assert plant.complaints() == []


async def test_a_point_calculated_for_the_site_is_added_and_told_to_the_ems_no_better_than_its_sources(
    tmp_path: Path,
) -> None:
    files = Files(tmp_path / "site")
    async with Processes(str(files.site), tmp_path, 60.0, own_ports=True) as plant:
        await started(plant)
        files.change(files.site, "[plant]\n", '[plant]\ncalculations = "calc.csv"\n')
        cells = {"point": "plant.both", "kind": "analog_input", "units": "MW", "deadband": "0.01", "event_class": "2"}
        cells["expression"] = '"sum(battery.active_power, genset.active_power)"'
        lines = ",".join(COLUMNS), ",".join(cells.get(column, "") for column in COLUMNS)
        files.site.with_name("calc.csv").write_text("\n".join(lines) + "\n")
        files.ems.write_text(files.ems.read_text() + "plant.both,,analog_input,,60,,,float32,,,,,,,2,,,,,,,\n")
        command = ("apply", str(files.site), "--state", str(plant.state), "--within", "3", "--yes")
        status, out, err = await vppscada(*command)
        assert status == 0, out + err
        assert "point plant.both added" in out and "0 of 2 sessions would be started anew; 1 EMS" in out
        plant.site = load_site(plant.site_file, DRIVERS)
        async with Ems(plant) as ems:
            await until(lambda: ems.quality("plant.both") == Quality.ONLINE, START_S, "both are known")
            assert await ems.set_analog("plant.target_command", TARGET_MW) == Accepted()
            await until(lambda: abs(ems.value("plant.both") - TARGET_MW) < 0.15, START_S, "it follows its sources")
            await plant.kill("genset")
            await until(lambda: not ems.quality("plant.both") & Quality.ONLINE, START_S, "it is no better than they")
            assert ems.quality("plant.both") & Quality.COMM_LOST
        assert await plant.end("station") == 0
        assert plant.complaints() == []
