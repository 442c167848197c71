"""Units of expressions: what fits means the same in any system of units, and products have the units of the library."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from vppscada.maps.expression_units import Source, assignment, result_of
from vppscada.maps.quantities import Quantity, measure, times
from vppscada.maps.units import expression_factor, root
from vppscada.model.expressions import Reading, evaluate, parse
from vppscada.model.expressions.functions import FUNCTIONS

#: Systems in which power × time is energy: the units of points that begin with p, e and t.
SYSTEMS = ({"p": "MW", "e": "MWh", "t": "h"}, {"p": "kW", "e": "kWh", "t": "h"}, {"p": "W", "e": "J", "t": "s"})
VALUES = {"p1": 3e9, "p2": 5e8, "e1": 7.2e12, "e2": 1e12, "t1": 1800.0, "t2": 60.0}  # in the units of physics
NAMES = [*VALUES, "v", "blank", "odd"]
ANY_UNITS = ["MW", "kW", "Mvar", "MVA", "MWh", "V", "A", "Hz", "rpm", "degC", "K", "%", "", "bananas", "m/s", "count"]


def _two(form: str, left: SearchStrategy[str], right: SearchStrategy[str]) -> SearchStrategy[str]:
    return st.builds(form.format, left, right)


def _of_dimension(depth: int) -> dict[str, SearchStrategy[str]]:
    """Expressions that fit, by the quantity that they are; all their values are positive."""
    leaves = {kind: st.sampled_from([f"{kind}1", f"{kind}2"]) for kind in "pet"}
    if depth == 0:
        return leaves
    below = _of_dimension(depth - 1)
    power, energy, duration = below["p"], below["e"], below["t"]
    alike = ("({} + {})", "min({}, {})", "max({}, {})", "avg({}, {})", "sum({}, {}, 0)", "sqrt({} * {})")
    made = {kind: st.one_of(leaves[kind], *(_two(form, below[kind], below[kind]) for form in alike)) for kind in "pet"}
    made["p"] = st.one_of(made["p"], _two("({} / {})", energy, duration))
    made["e"] = st.one_of(made["e"], _two("({} * {})", power, duration))
    made["t"] = st.one_of(made["t"], _two("({} / {})", energy, power))
    return made


FITTING = _of_dimension(3)


def factor_of(units: str) -> float:
    found = root(units)
    assert found is not None
    return found.factor


@given(kind_and_text=st.one_of(*(st.tuples(st.just(kind), texts) for kind, texts in FITTING.items())))
def test_what_fits_is_the_same_in_every_system_of_units(kind_and_text: tuple[str, str]) -> None:
    kind, text = kind_and_text
    expression = parse(text, expression_factor)
    physical = []
    for system in SYSTEMS:
        units = [system[name[0]] for name in expression.names]
        sources = [Source(name, measure(unit)) for name, unit in zip(expression.names, units, strict=True)]
        result, misfits = result_of(expression, sources)
        assert misfits == []
        assert isinstance(result, Quantity)
        assert assignment(result, system[kind]) is None
        values = [VALUES[name] / factor_of(unit) for name, unit in zip(expression.names, units, strict=True)]
        value = evaluate(expression, [Reading(one, 1, 0, 1) for one in values], (), 0).reading.value
        assert result.factor is not None
        physical.append(value * result.factor)
    assert physical == pytest.approx([physical[0]] * len(SYSTEMS), rel=1e-6)


@given(left=FITTING["p"], right=FITTING["e"], sign=st.sampled_from(["+", "-", "<", "=="]))
def test_what_adds_energy_to_power_is_told_in_every_system(left: str, right: str, sign: str) -> None:
    expression = parse(f"{left} {sign} {right}", expression_factor)
    for system in SYSTEMS:
        sources = [Source(name, measure(system[name[0]])) for name in expression.names]
        _, misfits = result_of(expression, sources)
        assert [(one.position, one.expected) for one in misfits] == [
            (_start(left, sign, right), "units of one quantity")
        ]


def _start(left: str, sign: str, right: str) -> int:
    """Where the right operand begins; parentheses are not part of it."""
    return len(f"{left} {sign} ") + len(right) - len(right.lstrip("("))


known = st.sampled_from([unit for unit in ANY_UNITS if measure(unit) is not None and unit != "degC"])


@given(units=st.tuples(known, known))
def test_products_and_quotients_have_the_units_of_the_library(units: tuple[str, str]) -> None:
    left, right = (measure(unit) for unit in units)
    names = {"%": "percent", "Mvar": "MW", "MVA": "MW", "K": "kelvin", "A": "ampere"}
    first, second = (names.get(unit, unit) for unit in units)
    for exponent, text in ((1, f"({first}) * ({second})"), (-1, f"{first} / ({second})")):
        found, wanted = times(left, right, exponent), root(text)
        assert isinstance(found, Quantity)
        assert wanted is not None
        assert dict(found.dimension) == dict(wanted.dimension)
        assert math.isclose(found.factor or 0.0, wanted.factor, rel_tol=1e-9)


_FUNCTIONS = [name for name, function in FUNCTIONS.items() if function.least <= 2 and function.most in (None, 2)]
_ANYTHING = st.recursive(
    st.sampled_from([*NAMES, "2", "0.5", "250 kW", "5 min", "20 %", "true", "1e300"]),
    lambda below: st.one_of(
        st.builds("({} {} {})".format, below, st.sampled_from(["+", "-", "*", "/", "<", "==", "and"]), below),
        st.builds("{}({}, {})".format, st.sampled_from(_FUNCTIONS), below, below),
        st.builds("{}({})".format, st.sampled_from(["abs", "sqrt", "round", "good", "elapsed"]), below),
        st.builds("if({}, {}, {})".format, below, below, below),
        st.builds("on_delay({}, 5 s)".format, below),
        st.builds("(-{})".format, below),
    ),
    max_leaves=12,
)


@given(text=_ANYTHING, units=st.lists(st.sampled_from(ANY_UNITS), min_size=len(NAMES), max_size=len(NAMES)))
def test_every_expression_can_be_looked_at_and_every_misfit_is_in_it(text: str, units: list[str]) -> None:
    expression = parse(text, expression_factor)
    of = dict(zip(NAMES, units, strict=True))
    result, misfits = result_of(expression, [Source(name, measure(of[name]), True) for name in expression.names])
    assert all(0 <= one.position < len(text) and one.found and one.expected for one in misfits)
    assert result is None or assignment(result, "MW") is None or isinstance(result, Quantity)


@given(text=_ANYTHING)
def test_without_units_everything_fits(text: str) -> None:
    expression = parse(text.replace(" kW", "").replace(" %", "").replace("elapsed", "abs"), expression_factor)
    if "5 min" not in text:
        assert result_of(expression, [Source(name, None) for name in expression.names])[1] == []
