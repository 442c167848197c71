"""Fragments: control octet, function, indications."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.dnp3.application import (
    Control,
    FragmentError,
    Function,
    Indication,
    build_confirm,
    build_request,
    build_response,
    next_sequence,
    parse_request,
    parse_response,
)


@given(st.integers(0, 255))
def test_a_control_octet_comes_back_as_it_went(octet: int) -> None:
    assert Control.of(octet).octet() == octet


def test_a_read_of_class_data_is_the_one_of_the_standard() -> None:
    assert build_request(Control(3), Function.READ, bytes.fromhex("3c0106")) == bytes.fromhex("c3013c0106")


def test_confirms_tell_which_response_they_are_for() -> None:
    assert build_confirm(5, unsolicited=False) == bytes.fromhex("c500")
    assert build_confirm(5, unsolicited=True) == bytes.fromhex("d500")


def test_a_response_comes_back_as_it_went() -> None:
    told = Indication.NEED_TIME | Indication.EVENT_BUFFER_OVERFLOW
    fragment = build_response(
        Control(7, final=False, confirm=True), Function.RESPONSE, told, b"\x01\x02\x00\x00\x00\x81"
    )
    response = parse_response(fragment)
    assert (response.control, response.indications) == (Control(7, final=False, confirm=True), told)
    assert response.headers()[0].values().tolist() == [1.0]
    assert not response.is_unsolicited


def test_reserved_indications_are_ignored() -> None:
    assert parse_response(bytes.fromhex("c08100c0")).indications == Indication.NONE


def test_an_unknown_function_of_a_request_is_kept_for_the_answer() -> None:
    assert parse_request(b"\xc0\x70").function == 0x70


@given(st.binary(max_size=12))
def test_any_octets_are_a_fragment_or_a_fragment_error(octets: bytes) -> None:
    for parse in (parse_request, parse_response):
        try:
            parsed = parse(octets)
        except FragmentError:
            continue
        assert parsed.control.octet() == octets[0]


@pytest.mark.parametrize("octets", [b"", b"\xc0", b"\xc0\x81", b"\xc0\x81\x00\x00"])
def test_what_is_no_request_is_refused(octets: bytes) -> None:
    with pytest.raises(FragmentError):
        parse_request(octets)


def test_sequence_numbers_go_round_at_sixteen() -> None:
    assert [next_sequence(0), next_sequence(15)] == [1, 0]
