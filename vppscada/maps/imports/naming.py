"""Names of points out of texts that people wrote."""

import re
import unicodedata

_OTHER = re.compile(r"[^A-Za-z0-9]+")
_LONGEST = 60


def point_name(text: str) -> str:
    """The text as a point's name: lower case, words between _, at most 60 characters; ``point`` if nothing is left."""
    plain = unicodedata.normalize("NFKD", text.replace("ß", "ss")).encode("ascii", "ignore").decode()
    words = _OTHER.sub("_", plain).strip("_").lower()
    if len(words) > _LONGEST:
        words = words[:_LONGEST].rpartition("_")[0] or words[:_LONGEST]
    return words if words[:1].isalpha() else f"point_{words}".rstrip("_")


class Names:
    """Hands out names, each once: a name asked for again gets what tells it apart behind it."""

    def __init__(self) -> None:
        self._taken: set[str] = set()

    def take(self, wanted: str, otherwise: str) -> str:
        """``wanted`` if it is free, else ``wanted_otherwise``, and numbers behind that where it is taken, too."""
        name, number = wanted, 1
        while name in self._taken:
            name = f"{wanted}_{otherwise}" if number == 1 else f"{wanted}_{otherwise}_{number}"
            number += 1
        self._taken.add(name)
        return name
