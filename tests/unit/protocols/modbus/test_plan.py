"""Planned reads: every value exactly once, never split, within limits."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.modbus.config import ModbusAddress, Table
from protocols.modbus.data_types import BOOL, NUMBERS, DataType
from protocols.modbus.plan import Block, Hole, Limits, Plan, plan_reads, span_of, split


def holding(*registers: int, data_type: str = "uint16") -> list[ModbusAddress]:
    return [ModbusAddress(Table.HOLDING_REGISTER, register, NUMBERS[data_type]) for register in registers]


def reads(plan: Plan) -> list[tuple[Table, int, int]]:
    return [(block.table, block.start, block.count) for block in plan.blocks]


def test_a_gap_within_the_limit_is_read_over() -> None:
    assert reads(plan_reads(holding(0, 5), Limits(gap=4))) == [(Table.HOLDING_REGISTER, 0, 6)]


def test_a_gap_beyond_the_limit_makes_another_read() -> None:
    assert reads(plan_reads(holding(0, 6), Limits(gap=4))) == [
        (Table.HOLDING_REGISTER, 0, 1),
        (Table.HOLDING_REGISTER, 6, 1),
    ]


def test_a_value_is_never_split_over_two_reads() -> None:
    plan = plan_reads(holding(0, 2, 4, data_type="float32"), Limits(registers=5))
    assert reads(plan) == [(Table.HOLDING_REGISTER, 0, 4), (Table.HOLDING_REGISTER, 4, 2)]


def test_points_on_the_same_register_are_read_once() -> None:
    plan = plan_reads(holding(3, 3), Limits())
    assert reads(plan) == [(Table.HOLDING_REGISTER, 3, 1)]
    assert plan.positions.tolist() == [0, 0]


def test_tables_are_read_apart_and_bits_have_a_buffer_of_their_own() -> None:
    addresses = [
        ModbusAddress(Table.COIL, 9, BOOL),
        ModbusAddress(Table.DISCRETE_INPUT, 9, BOOL),
        *holding(9),
        ModbusAddress(Table.INPUT_REGISTER, 9, NUMBERS["uint16"]),
    ]
    plan = plan_reads(addresses, Limits())
    assert len(plan.blocks) == 4
    assert (plan.registers, plan.bits) == (2, 2)


def test_a_value_longer_than_a_read_cannot_be_planned() -> None:
    with pytest.raises(ValueError, match="longer than a read"):
        plan_reads([ModbusAddress(Table.HOLDING_REGISTER, 0, DataType("string20", 20))], Limits(registers=10))


def test_a_refused_read_is_split_at_its_gaps_first() -> None:
    (block,) = plan_reads(holding(0, 1, 4, 5), Limits()).blocks
    assert [(part.start, part.count, part.offset) for part in split(block)] == [(0, 2, 0), (4, 2, 4)]


def test_a_refused_read_without_gaps_is_halved_down_to_single_values() -> None:
    (block,) = plan_reads(holding(0, 1, 2), Limits()).blocks
    first, rest = split(block)
    assert (first.start, first.count) == (0, 1)
    assert [(part.start, part.count) for part in split(rest)] == [(1, 1), (2, 1)]
    assert split(first) == ()


addresses_strategy = st.lists(
    st.one_of(
        st.builds(
            ModbusAddress,
            st.sampled_from([Table.HOLDING_REGISTER, Table.INPUT_REGISTER]),
            st.integers(0, 400),
            st.sampled_from([*NUMBERS.values(), DataType("string8", 8)]),
        ),
        st.builds(ModbusAddress, st.sampled_from([Table.COIL, Table.DISCRETE_INPUT]), st.integers(0, 400)),
    ),
    max_size=60,
)
limits_strategy = st.builds(Limits, st.integers(8, 125), st.integers(1, 2000), st.integers(0, 60))


@given(addresses_strategy, limits_strategy)
def test_every_value_is_in_exactly_one_read_and_no_read_is_over_its_limit(
    addresses: list[ModbusAddress], limits: Limits
) -> None:
    plan = plan_reads(addresses, limits)
    for block in plan.blocks:
        assert block.count <= limits.of(block.table)
    for address, position in zip(addresses, plan.positions.tolist(), strict=True):
        homes = [b for b in plan.blocks if b.table is address.table and span_of(address) in b.spans]
        assert len(homes) == 1
        (home,) = homes
        assert position == home.offset + address.register - home.start
        assert home.start <= address.register
        assert address.register + address.registers <= home.start + home.count


@given(addresses_strategy, limits_strategy)
def test_blocks_fill_the_buffers_without_overlap(addresses: list[ModbusAddress], limits: Limits) -> None:
    plan = plan_reads(addresses, limits)
    for bits, length in ((True, plan.bits), (False, plan.registers)):
        places = [i for b in plan.blocks if b.table.is_bits is bits for i in range(b.offset, b.offset + b.count)]
        assert places == list(range(length))


@given(addresses_strategy, limits_strategy, st.randoms(use_true_random=False))
def test_the_plan_does_not_depend_on_the_order_of_points(
    addresses: list[ModbusAddress], limits: Limits, random: Random
) -> None:
    shuffled = list(addresses)
    random.shuffle(shuffled)
    assert plan_reads(addresses, limits).blocks == plan_reads(shuffled, limits).blocks


@given(addresses_strategy, limits_strategy)
def test_splitting_a_read_loses_no_value_and_ends(addresses: list[ModbusAddress], limits: Limits) -> None:
    for block in plan_reads(addresses, limits).blocks:
        whole: list[Block] = []
        parts = [block]
        while parts:
            part = parts.pop()
            smaller = split(part)
            assert all(len(one.spans) < len(part.spans) for one in smaller)
            assert sum(len(one.spans) for one in smaller) in (0, len(part.spans))
            parts.extend(smaller)
            if not smaller:
                whole.append(part)
        assert sorted(span for one in whole for span in one.spans) == sorted(block.spans)


def test_a_hole_is_never_read_over() -> None:
    holes = (Hole(Table.HOLDING_REGISTER, 3, 4), Hole(Table.INPUT_REGISTER, 6, 7))
    assert reads(plan_reads(holding(0, 5, 8), Limits(holes=holes))) == [
        (Table.HOLDING_REGISTER, 0, 1),
        (Table.HOLDING_REGISTER, 5, 4),
    ]


def test_a_value_in_a_hole_is_refused() -> None:
    with pytest.raises(ValueError, match="holding_register 4 lies in a hole"):
        plan_reads(holding(4, data_type="uint32"), Limits(holes=(Hole(Table.HOLDING_REGISTER, 5, 9),)))


@given(st.sets(st.integers(0, 300), min_size=1), st.sets(st.integers(0, 300)), st.integers(1, 125), st.integers(0, 30))
def test_no_read_touches_a_hole_and_every_value_outside_is_read(
    wanted: set[int], holes: set[int], registers: int, gap: int
) -> None:
    outside = wanted - holes
    declared = tuple(Hole(Table.HOLDING_REGISTER, hole, hole + 1) for hole in holes)
    plan = plan_reads(holding(*outside), Limits(registers=registers, gap=gap, holes=declared))
    touched = {register for block in plan.blocks for register in range(block.start, block.start + block.count)}
    assert not touched & holes
    assert outside <= touched
