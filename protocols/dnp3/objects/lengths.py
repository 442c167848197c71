"""Where headers end that we do not speak: their lengths follow from what they say of themselves."""

from protocols.dnp3.objects.errors import ObjectError, ObjectFault

#: Of the codes that we do not speak: octets of the range field by its low digit (the prefix before each object by
#: its high digit), and those of them that say how many prefixes follow.
_RANGE_OCTETS = {0: 2, 1: 4, 2: 8, 3: 2, 4: 4, 5: 8, 6: 0, 7: 1, 8: 2, 9: 4, 11: 1}
_COUNTS = frozenset({7, 8, 9, 11})
_PREFIX_OCTETS = {0: 0, 1: 1, 2: 2, 3: 4}


def past_free_format(data: bytes, offset: int) -> int:
    """Where a header with qualifier 5B ends: a count in one octet, then objects, the size of each in two before it.

    Raises:
        ObjectError: it does not fit the fragment.
    """
    count = data[offset + 3] if offset + 3 < len(data) else 1
    offset += 4
    for _ in range(count):
        if offset + 2 > len(data):
            raise ObjectError(ObjectFault.PARAMETER_ERROR, "truncated size of an object")
        offset += 2 + int.from_bytes(data[offset : offset + 2], "little")
    if offset > len(data):
        raise ObjectError(ObjectFault.PARAMETER_ERROR, "an object of its own size does not fit the fragment")
    return offset


def past_unspoken(data: bytes, offset: int) -> int:
    """Where a header ends that carries no data and whose qualifier we do not speak.

    Raises:
        ObjectError: its code does not tell, or it does not fit the fragment.
    """
    code = data[offset + 2]
    octets, prefix = _RANGE_OCTETS.get(code & 0x0F), _PREFIX_OCTETS.get(code >> 4)
    if octets is None or prefix is None or (prefix and code & 0x0F not in _COUNTS):
        raise ObjectError(ObjectFault.PARAMETER_ERROR, f"qualifier {code:#04x}")
    end = offset + 3 + octets
    if prefix:
        end += prefix * int.from_bytes(data[offset + 3 : end], "little")
    if end > len(data):
        raise ObjectError(ObjectFault.PARAMETER_ERROR, f"a header with qualifier {code:#04x} does not fit the fragment")
    return end
