"""Device attributes as objects: types, lengths, and what does not fit."""

import pytest

from protocols.dnp3.objects import (
    AttributeType,
    AttributeValue,
    DeviceAttribute,
    ObjectError,
    flag_attribute,
    float_attribute,
    list_attribute,
    parse_headers,
    text_attribute,
    unsigned_attribute,
)


@pytest.mark.parametrize(
    ("attribute", "octets", "value"),
    [
        (text_attribute(252, "Acme"), "00 FC 00 00 00 01 04 41636D65", "Acme"),
        (text_attribute(247, "é" * 200, 7), "00 F7 00 07 07 01 FE" + "C3A9" * 127, "é" * 127),
        (unsigned_attribute(240, 255), "00 F0 00 00 00 02 01 FF", 255),
        (unsigned_attribute(240, 256), "00 F0 00 00 00 02 02 0001", 256),
        (unsigned_attribute(240, 1 << 16), "00 F0 00 00 00 02 04 00000100", 1 << 16),
        (unsigned_attribute(240, 1 << 40), "00 F0 00 00 00 02 08 0000000000010000", 1 << 40),
        (flag_attribute(237, True), "00 ED 00 00 00 03 01 01", 1),
        (float_attribute(205, -1.5), "00 CD 00 00 00 04 08 000000000000F8BF", -1.5),
        (list_attribute(((245, True), (252, False))), "00 FF 00 00 00 FE 04 F501 FC00", ((245, True), (252, False))),
    ],
)
def test_an_attribute_is_built_and_comes_back(attribute: DeviceAttribute, octets: str, value: AttributeValue) -> None:
    assert attribute.object() == bytes.fromhex(octets)
    (header,) = parse_headers(attribute.object(), objects_follow=True)
    assert header.attributes == (attribute,)
    assert header.attributes[0].value == value


@pytest.mark.parametrize(
    ("kind", "octets", "value"),
    [
        (AttributeType.INT, "FFFF", -1),
        (AttributeType.FLT, "0000C03F", 1.5),
        (AttributeType.FLT, "0000C0", b"\0\0\xc0"),
        (AttributeType.OSTR, "00FF", b"\0\xff"),
        (AttributeType.BSTR, "A5", b"\xa5"),
        (AttributeType.TIME, "010000000000", 1),
        (AttributeType.EXTENDED_LIST, "0102", ((1, False),)),
        (AttributeType.LIST, "010203", b"\1\2\3"),
        (AttributeType.VSTR, "FF", "\ufffd"),
        (99, "01", b"\1"),
    ],
)
def test_a_value_is_read_by_its_type_and_left_as_octets_where_it_does_not_fit(
    kind: int, octets: str, value: AttributeValue
) -> None:
    assert DeviceAttribute(0, 1, kind, bytes.fromhex(octets)).value == value


def test_an_extended_list_has_256_octets_more_than_its_length_says() -> None:
    octets = bytes.fromhex("00 FF 00 00 00 FF 02") + bytes.fromhex("C401") * 129 + bytes.fromhex("01 01 00 00 00 01")
    told, states = parse_headers(octets, objects_follow=True)
    assert told.attributes[0].value == ((196, True),) * 129
    assert states.count == 1


def test_several_sets_stand_under_one_header_and_what_follows_is_parsed() -> None:
    octets = bytes.fromhex("00 01 00 00 01 02 01 05 01 02 6162 00 02 17 02 07 02 01 08 09 02 00 01 01 00 00 00 01")
    first, second, states = parse_headers(octets, objects_follow=True)
    assert [(a.set, a.value) for a in first.attributes] == [(0, 5), (1, "ab")]
    assert [(a.set, a.value) for a in second.attributes] == [(7, 8), (9, 0)]
    assert states.values().tolist() == [1.0]


@pytest.mark.parametrize(
    "octets",
    [
        "00 01 00 00 00",
        "00 01 00 00 00 01",
        "00 01 00 00 00 01 05 61",
        "00 01 01 0000 FFFF",
        "00 01 28 FFFF",
        "00 01 06",
        "00 01 07 01 01 00",
        "00 01 5B 01 01 00",
        "00 01 28 0100 0001 01 00",
    ],
)
def test_an_attribute_that_is_not_all_there_is_refused(octets: str) -> None:
    with pytest.raises(ObjectError):
        parse_headers(bytes.fromhex(octets), objects_follow=True)
