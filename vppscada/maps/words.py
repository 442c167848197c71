"""Words that a person could have meant, and how faults tell them."""

import difflib
from collections.abc import Iterable

_MOST_LISTED = 16


def one_of(found: str, words: Iterable[str]) -> str:
    """What would be right where one of some words belongs: the nearest first, if one is near."""
    known = [str(word) for word in words]  # members of an enumeration become plain words
    listed = ", ".join(known[:_MOST_LISTED]) + (", …" if len(known) > _MOST_LISTED else "")
    near = difflib.get_close_matches(found, known, n=1, cutoff=0.6)
    if not known:
        return "nothing: there is none"
    text = listed if len(known) == 1 else f"one of {listed}"
    return f"{text} (did you mean {near[0]!r}?)" if near else text


def quoted(text: str) -> str:
    """A found text in quotes, shortened where it is long, safe to print on one line."""
    return repr(text if len(text) <= 60 else text[:57] + "…")
