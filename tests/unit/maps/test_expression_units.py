"""Whether the units of an expression fit together, and what its result is in."""

import pytest

from tests.unit.maps.fakes import BATTERY_LINES, Files, line
from tests.unit.maps.test_calculations import calc_line, with_calculations, with_lines
from tests.unit.maps.test_device_maps import FIRST, column_of
from vppscada.maps.expression_units import TRUTH, Source, assignment, result_of
from vppscada.maps.quantities import Bare, Quantity, measure, times
from vppscada.maps.units import expression_factor, linear, root
from vppscada.model.expressions import parse

#: What the points of these tests are in.
UNITS = {
    "p": "MW",
    "p2": "MW",
    "aux": "kW",
    "q": "Mvar",
    "s": "MVA",
    "e": "MWh",
    "e_kwh": "kWh",
    "run_hours": "h",
    "u": "V",
    "i": "A",
    "f": "Hz",
    "n": "rpm",
    "t": "degC",
    "t2": "degC",
    "t_k": "K",
    "t_f": "degF",
    "soc": "%",
    "cost": "EUR/MWh",
    "blank": "",
}


def looked_at(text: str) -> tuple[object, list[str]]:
    expression = parse(text, expression_factor)
    sources = [
        Source(name, TRUTH) if name == "on" else Source(name, measure(UNITS[name]), name in ("aux", "t_k"))
        for name in expression.names
    ]
    result, misfits = result_of(expression, sources)
    return result, [f"{one.position}: {one.found}; expected {one.expected}" for one in misfits]


def fits(text: str, units: str = "") -> bool:
    result, misfits = looked_at(text)
    return not misfits and assignment(result, units) is None  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "units"),
    [
        ("p + p2 - 250 kW", "MW"),
        ("p + 5", "MW"),
        ("5 - p", "MW"),
        ("p > 3 and u < 400", ""),
        ("p * run_hours", "MWh"),
        ("p * 15 min / 3600", "MWh"),
        ("sum(p, p2) * elapsed(on) / 3600", "MWh"),
        ("e / p", "h"),
        ("e / run_hours", "MW"),
        ("e_kwh / aux", "h"),
        ("e / 2 h * 3600 + p", "MW"),
        ("sqrt(p * p + q * q)", "MVA"),
        ("sqrt(pow(p, 2) + pow(q, 2)) - s", "MVA"),
        ("p / s", ""),
        ("p / s < 0.95", ""),
        ("p * 0.33", "Mvar"),
        ("u * i * 0.000001", "MW"),
        ("soc / 100 * e", "MWh"),
        ("soc < 20 %", ""),
        ("min(p, p2, 3 MW) + clamp(p, 0, 5 MW)", "MW"),
        ("select(t > 80 degC, p, p2)", "MW"),
        ("first_good(f, 50 Hz)", "Hz"),
        ("on * p + (not on) * p2", "MW"),
        ("p + on", "MW"),
        ("(p > 1) + (u > 1) >= 2", ""),
        ("0.001 * aux + p", "MW"),
        ("aux / 1000 + p", "MW"),
        ("n / 60 * 2", "Hz"),
        ("t - t2 > 5", ""),
        ("t - t2", "K"),
        ("t + t_k", "degC"),
        ("t * 1.8 + 32", "degF"),
        ("avg(t, t2)", "degC"),
        ("-p + abs(p2) + round(p)", "MW"),
        ("p + blank", "MW"),
        ("cost * p", "EUR/h"),
        ("cost + p", "MW"),
        ("blank", "V"),
        ("p", ""),
        ("p", "parsnips"),
        ("p * 0.4 kg/MWh", "kg/h"),
        ("mod(p, 2) + bit(3, 0)", "MW"),
        ("1 / (1 / p)", "MW"),
        ("pow(2, 3) * p", "MW"),
        ("good(p) * 3 + on_delay(p > 1, 5 s)", ""),
    ],
)
def test_what_fits_is_let_through(text: str, units: str) -> None:
    assert fits(text, units), looked_at(text)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("p + t", "4: a sum of MW and degC; expected units of one quantity"),
        ("u < p", "4: a comparison of V and MW; expected units of one quantity"),
        ("p - e", "4: a difference of MW and MWh; expected units of one quantity"),
        ("p + q", "4: a sum of MW and Mvar; expected units of one quantity"),
        ("s > p", "4: a comparison of MVA and MW; expected units of one quantity"),
        ("min(p, 3, f)", "10: min of MW and Hz; expected units of one quantity"),
        ("avg(3, p, f)", "10: avg of MW and Hz; expected units of one quantity"),
        ("sum(blank, p, f)", "14: a sum of MW and Hz; expected units of one quantity"),
        ("clamp(p, 0 V, 3)", "9: clamp of MW and V; expected units of one quantity"),
        ("mod(p, u)", "7: mod of MW and V; expected units of one quantity"),
        ("if(on, p, u)", "10: a choice of MW and V; expected units of one quantity"),
        ("first_good(p, u)", "14: a choice of MW and V; expected units of one quantity"),
        ("p * 2 + u", "8: a sum of MW and V; expected units of one quantity"),
        ("e / p > 5 MW", "8: a comparison of MWh/MW and MW; expected units of one quantity"),
        ("sqrt(p) + p", "10: a sum of sqrt(MW) and MW; expected units of one quantity"),
        ("pow(p, -1) + p", "13: a sum of 1/MW and MW; expected units of one quantity"),
        ("pow(p / u, 2) + p", "16: a sum of (MW/V)^2 and MW; expected units of one quantity"),
        ("pow(p, u)", "7: an exponent in V; expected a bare number"),
        ("on_delay(p > 1, 5 MW)", "16: on_delay for a time in MW; expected a duration, as in 5 s"),
        (
            "p + aux",
            "4: a sum of MW and kW; expected one unit: convert_to 'MW' on the line of aux, "
            "or a factor of 0.001 on the kW",
        ),
        (
            "aux > 250 kW",
            "6: a comparison of kW and MW; expected one unit: convert_to 'MW' on the line of aux, "
            "or a factor of 0.001 on the kW",
        ),
        ("e_kwh + e", "8: a sum of kWh and MWh; expected one unit: a factor of 0.001 on the kWh"),
        ("p * 1 h + e", "10: a sum of MW·s and MWh; expected one unit: a factor of 0.000277778 on the MW·s"),
        ("t > t_f", "4: a comparison of degC and degF; expected one unit"),
        ("e + e_kwh", "4: a sum of MWh and kWh; expected one unit: a factor of 0.001 on the kWh"),
        ("t + t_f", "4: a sum of degC and degF; expected one unit"),
        ("t > t_k", "4: a comparison of degC and K; expected one unit: convert_to 'degC' on the line of t_k"),
        ("n > f", "4: a comparison of rpm and Hz; expected one unit"),
        ("p / p2 > 50 %", "9: a comparison of MW/MW and %; expected one unit: a factor of 100 on the MW/MW"),
        ("(e - p) + (u - f)", "5: a difference of MWh and MW; expected units of one quantity"),
    ],
)
def test_what_does_not_fit_is_told_at_its_operand(text: str, told: str) -> None:
    misfits = looked_at(text)[1]
    assert misfits[:1] == [told]


def test_one_mistake_is_told_once_and_two_twice() -> None:
    assert len(looked_at("(p + t) * 3 > u")[1]) == 1
    assert len(looked_at("(p + t > 1) and (u > f)")[1]) == 2


@pytest.mark.parametrize(
    ("text", "units", "found", "expected"),
    [
        ("u", "MW", "an expression in V for a point in MW", "an expression in MW, or units of V"),
        ("p", "Mvar", "an expression in MW for a point in Mvar", "an expression in Mvar, or units of MW"),
        ("p", "kW", "an expression in MW for a point in kW", "a factor of 1000 in the expression, or units of MW"),
        (
            "p * elapsed(on)",
            "MWh",
            "an expression in MW·s for a point in MWh",
            "a factor of 0.000277778 in the expression, or units of MW·s",
        ),
        (
            "soc * e",
            "MWh",
            "an expression in %·MWh for a point in MWh",
            "a factor of 0.01 in the expression, or units of %·MWh",
        ),
        (
            "u * i",
            "MW",
            "an expression in V·A for a point in MW",
            "a factor of 1e-06 in the expression, or units of V·A",
        ),
        ("t", "K", "an expression in degC for a point in K", "an expression in K"),
        ("n", "Hz", "an expression in rpm for a point in Hz", "an expression in Hz"),
        (
            "e / (p * u)",
            "A",
            "an expression in MWh/(MW·V) for a point in A",
            "an expression in A, or units of MWh/(MW·V)",
        ),
    ],
)
def test_the_result_is_in_the_units_of_its_point(text: str, units: str, found: str, expected: str) -> None:
    assert assignment(looked_at(text)[0], units) == (found, expected)  # type: ignore[arg-type]


def test_results_have_the_unit_that_the_products_make() -> None:
    energy, power = looked_at("p * 3 h")[0], looked_at("e / 3 h")[0]
    assert isinstance(energy, Quantity)
    assert isinstance(power, Quantity)
    assert energy.dimension == measure("MWh").dimension  # type: ignore[union-attr]
    assert power.dimension == measure("MW").dimension  # type: ignore[union-attr]
    assert looked_at("p > 3")[0] == Bare(constant=False)
    assert looked_at("2 + 3")[0] == Bare(constant=True)


def test_a_name_that_would_fill_the_screen_is_cut() -> None:
    told = looked_at(" * ".join(["p"] * 40) + " + p")[1]
    assert "…" in told[0]
    assert len(told[0]) < 200


@pytest.mark.parametrize("text", ["pow(p, 1e300)", "pow(pow(pow(p, 99), 99), 99)", "pow(p, 1e999)", "sqrt(sqrt(p))"])
def test_powers_of_any_size_are_looked_at(text: str) -> None:
    assert looked_at(text)[1] == []


@pytest.mark.parametrize("units", ["pu", "PF", "%RH", "pH", "bar(g)", "dB", "dBm", "EUR", "starts", "p.u."])
def test_what_the_library_would_take_for_something_else_goes_with_everything(units: str) -> None:
    assert root(units) is None
    assert measure(units) is None


def test_newton_metres_by_radians_are_watts() -> None:
    product = times(measure("Nm"), measure("rad/s"))
    assert assignment(product, "W") is None
    assert assignment(product, "kW") is not None


def test_turns_and_cycles_are_not_the_same() -> None:
    assert expression_factor("rpm") == 1.0
    assert linear("rpm", "Hz") is None
    assert linear("1/min", "rpm") == (1.0, 0.0)


@pytest.mark.parametrize(
    "units", ["9**9**9**9", "m**9**9**9**9", "(9^9)^9^9^9", "m" * 5000, "2 ** 999999999", ")^9", ""]
)
def test_a_text_that_is_no_unit_is_none_at_once(units: str) -> None:
    assert root(units) is None or units == ""
    assert linear(units, "m") is None


# in maps


def test_misfits_stand_at_their_character_in_the_map(files: Files) -> None:
    text = line("calc", "analog_input", "", expression="active_power + state_of_charge")
    with_lines(files, text)
    at = f"{FIRST + len(BATTERY_LINES)}:{column_of(text, 'expression') + len('active_power + ')}"
    assert files.only_fault() == (f"fake_battery.csv:{at}: a sum of MW and %; expected units of one quantity")


def test_a_point_without_a_role_can_be_converted(files: Files) -> None:
    aux = line("aux", "analog_input", 20, units="kW")
    with_lines(files, aux, line("net", "analog_input", "", units="MW", expression="active_power - aux"))
    assert "convert_to 'MW' on the line of aux, or a factor of 0.001 on the kW" in files.only_fault()
    with_lines(
        files,
        line("aux", "analog_input", 20, units="kW", convert_to="MW"),
        line("net", "analog_input", "", units="MW", expression="active_power - aux"),
    )
    assert files.load().row_of["battery1.net"]


def test_units_of_the_point_stand_at_their_cell(files: Files) -> None:
    text = line("calc", "analog_input", "", units="V", expression="active_power")
    with_lines(files, text)
    assert files.only_fault() == (
        f"fake_battery.csv:{FIRST + len(BATTERY_LINES)}:{column_of(text, 'units')}: "
        "an expression in MW for a point in V; expected an expression in V, or units of MW"
    )


def test_the_unit_of_a_role_counts_where_the_cell_is_blank(files: Files) -> None:
    with_calculations(files, calc_line("battery1.u", "active_power * 1", role="voltage"))
    head = calc_line("battery1.u", "", role="voltage").rindex('""') + 2
    assert files.only_fault() == (
        f"calc.csv:2:{head}: an expression in MW for a point in V; expected an expression in V, or units of MW"
    )


def test_a_binary_may_be_worked_out_of_any_unit_and_a_fault_of_two_assets_is_told_once(files: Files) -> None:
    with_lines(files, line("high", "binary_input", "", expression="active_power > 3 MW"))
    assert files.load().row_of["battery1.high"]
    files.change("site.toml", 'map = "fake_engine.csv"', 'map = "fake_battery.csv"')
    files.change(
        "site.toml", 'kind = "reciprocating_engine"', 'kind = "battery"\ncharge_rating_mw = 1\ncapacity_mwh = 1\n'
    )
    files.change("site.toml", "minimum_mw = 3\nfuel_price_per_mwh = 35\nheat_rate = [[3.0, 8.0], [10.0, 24.0]]\n", "")
    files.change("ems.csv", files.folder.joinpath("ems.csv").read_text(encoding="utf-8").splitlines()[-1] + "\n", "")
    with_lines(files, line("high", "binary_input", "", expression="active_power > 3 V"))
    assert "a comparison of MW and V" in files.only_fault()
