"""Reads in force: how a plan gives way to a device that refuses part of it, and comes back."""

from protocols.modbus.config import ModbusAddress, Table
from protocols.modbus.data_types import NUMBERS
from protocols.modbus.plan import Limits, plan_reads
from protocols.modbus.scan import RETRY_REFUSED_S, Reads
from vppscada.model.quality import Quality


def reads_of(*registers: int) -> Reads:
    addresses = [ModbusAddress(Table.HOLDING_REGISTER, register, NUMBERS["uint16"]) for register in registers]
    return Reads(plan_reads(addresses, Limits()))


def test_a_refused_block_gives_way_to_its_parts_in_its_place() -> None:
    reads = reads_of(0, 1, 100)
    first, last = reads.begin(0.0)
    parts = reads.refuse(first, 2, 0.0)
    assert reads.begin(1.0) == (*parts, last)


def test_a_refused_value_is_asked_for_again_after_a_while_and_not_before() -> None:
    reads = reads_of(0)
    (block,) = reads.begin(0.0)
    assert reads.refuse(block, 2, 10.0) == ()
    assert reads.begin(10.0 + RETRY_REFUSED_S - 0.1) == ()
    assert reads.begin(10.0 + RETRY_REFUSED_S) == (block,)


def test_an_exception_that_is_not_about_addresses_leaves_the_plan_alone() -> None:
    reads = reads_of(0)
    (block,) = reads.begin(0.0)
    assert reads.refuse(block, 4, 0.0) == ()
    assert reads.begin(1.0) == (block,)
    assert reads.buffers.register_faults.tolist() == [Quality.COMM_LOST]


def test_a_value_that_is_read_again_is_good_again() -> None:
    reads = reads_of(0)
    (block,) = reads.begin(0.0)
    reads.fail(block, Quality.COMM_LOST)
    assert not reads.brought_something()
    reads.accept(block, b"\x02\x00\x07")
    assert reads.brought_something()
    assert reads.buffers.registers.tolist() == [7]
