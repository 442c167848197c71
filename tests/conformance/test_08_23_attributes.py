"""Device attributes: procedures 8.23.2.1 to 8.23.2.4."""

import pytest

from tests.conformance.tester import Tester

_REASON = "optional: our outstation has no device attributes (g0) yet"


def test_8_23_2_1_variation_255_list_of_attribute_variations(tester: Tester) -> None:
    pytest.skip(_REASON)


def test_8_23_2_2_variation_254_non_specific_all_attributes_request(tester: Tester) -> None:
    pytest.skip(_REASON)


def test_8_23_2_3_variation_nnn_specific_attributes_read_request(tester: Tester) -> None:
    pytest.skip(_REASON)


def test_8_23_2_4_variation_nnn_specific_attributes_write_request(tester: Tester) -> None:
    pytest.skip(_REASON)
