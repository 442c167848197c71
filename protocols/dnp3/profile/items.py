"""Elements of a device profile as nested values, and the idioms that its schema repeats."""

from collections.abc import Sequence
from typing import TypeAlias
from xml.etree import ElementTree

#: Target namespace and version of the schema that the document follows.
NAMESPACE = "http://www.dnp3.org/DNP3/DeviceProfile/November2014"
SCHEMA_VERSION = "2.10.00"

#: A bare name is an empty element; a pair is a name with a text, a number or elements of its own.
Item: TypeAlias = "str | tuple[str, Content]"
Content: TypeAlias = "str | int | float | Sequence[Item]"
Items: TypeAlias = Sequence[Item]

#: How the schema spells variations.
VARIATION_WORDS = ("", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
CLASS_WORDS = ("none", "one", "two", "three")


def element(name: str, content: Content = ()) -> ElementTree.Element:
    """An element with what is in it."""
    made = ElementTree.Element(f"{{{NAMESPACE}}}{name}")
    if isinstance(content, str | int | float):
        made.text = repr(content).removesuffix(".0") if isinstance(content, float) else str(content)
        return made
    for item in content:
        made.append(element(item) if isinstance(item, str) else element(*item))
    return made


def setting(name: str, can: Items, now: Items | None = None) -> Item:
    """A parameter: what can be, and what is. ``now`` is left out where only one thing can be."""
    return name, [("capabilities", can), ("currentValue", can if now is None else now)]


def value(name: str, now: str | float) -> Item:
    """A parameter of which only the value is told."""
    return name, [("currentValue", [("value", now)])]


def limits(lowest: float, highest: float) -> Item:
    """A range of values that can be set."""
    return "range", [("minimum", lowest), ("maximum", highest)]


def explained(word: str, explanation: str) -> Item:
    """A choice that needs words."""
    return word, [("explanation", explanation)]


def variation(number: int) -> list[str]:
    """A variation as the schema spells it; none where it has no word for one."""
    return [VARIATION_WORDS[number]] if 0 < number < len(VARIATION_WORDS) else []
