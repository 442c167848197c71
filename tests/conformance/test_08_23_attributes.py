"""Device attributes: procedures 8.23.2.1 to 8.23.2.4."""

from protocols.dnp3.application import Function, Indication
from protocols.dnp3.objects import AttributeType, DeviceAttribute, text_attribute
from protocols.dnp3.outstation.nameplate import Nameplate
from tests.conformance.tester import Tester

_REFUSED = Indication.FUNCTION_NOT_SUPPORTED | Indication.OBJECT_UNKNOWN | Indication.PARAMETER_ERROR
#: Attributes that every device has to tell, whatever else it has: who made it, what it is, and its fragments.
_EXPECTED = {240, 241, 250, 252}
_UNKNOWN = 1


def attributes(tester: Tester, variation: int) -> list[DeviceAttribute]:
    """What a read of one variation of the standard set brings, with qualifier 00 and its set as index."""
    answer = tester.read(f"00 {variation:02X} 00 00 00")
    assert not answer.has_any(_REFUSED)
    assert {header.group for header in answer.headers} == {0}
    assert answer.qualifiers(0) == {0x00}
    assert [(header.start, header.stop) for header in answer.headers] == [(0, 0)] * len(answer.headers)
    return [attribute for header in answer.headers for attribute in header.attributes]


def listed(tester: Tester) -> dict[int, bool]:
    """The variations of the list, and whether each can be written."""
    [told] = attributes(tester, 255)
    assert (told.variation, told.type) == (255, AttributeType.LIST)
    assert isinstance(told.value, tuple)
    return dict(told.value)


def configure(tester: Tester) -> None:
    tester.power_cycle(nameplate=Nameplate("Maker", "Product", software="1.2", name="North", location="Here", id="1"))


def test_8_23_2_1_variation_255_list_of_attribute_variations(tester: Tester) -> None:
    configure(tester)
    entries = listed(tester)
    assert entries.keys() >= _EXPECTED
    assert not entries.keys() & {0, 254, 255}


def test_8_23_2_2_variation_254_non_specific_all_attributes_request(tester: Tester) -> None:
    configure(tester)
    everything = attributes(tester, 254)
    assert {attribute.variation for attribute in everything} == set(listed(tester))
    assert len(everything) == len({attribute.variation for attribute in everything})


def test_8_23_2_3_variation_nnn_specific_attributes_read_request(tester: Tester) -> None:
    configure(tester)
    everything = {attribute.variation: attribute for attribute in attributes(tester, 254)}
    for variation in listed(tester):
        assert attributes(tester, variation) == [everything[variation]]
    absent = tester.read(f"00 {_UNKNOWN:02X} 00 00 00")
    assert absent.is_null
    assert absent.has(Indication.OBJECT_UNKNOWN)


def test_8_23_2_4_variation_nnn_specific_attributes_write_request(tester: Tester) -> None:
    configure(tester)
    for variation, writable in listed(tester).items():
        [before] = attributes(tester, variation)
        answer = tester.ask(Function.WRITE, text_attribute(variation, f"new {variation}").object())
        assert answer.is_null
        assert answer.has_any(_REFUSED) is not writable
        [after] = attributes(tester, variation)
        assert after == (text_attribute(variation, f"new {variation}") if writable else before)
    absent = tester.ask(Function.WRITE, text_attribute(_UNKNOWN, "x").object())
    assert absent.has(Indication.OBJECT_UNKNOWN)
