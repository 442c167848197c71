"""Where the keys and tables of a TOML text stand. The text has been parsed already: it is valid TOML."""

import re

KeyPath = tuple[str | int, ...]

_BARE = re.compile(r"[A-Za-z0-9_-]+")
_BLANK = re.compile(r"(?:[ \t\r\n]+|#[^\n]*)*")
_SPACE = re.compile(r"[ \t]*")
_SCALAR = re.compile(r"[^,\]}#\r\n]*")
_ESCAPES = re.compile(r"\\(?:u[0-9A-Fa-f]{4}|U[0-9A-Fa-f]{8}|.)", re.DOTALL)
_PLAIN_ESCAPES = {"b": "\b", "t": "\t", "n": "\n", "f": "\f", "r": "\r", '"': '"', "\\": "\\"}


def key_positions(text: str) -> dict[KeyPath, int]:
    """Position (from 0) of every table header, key and array element, by its path.

    Tables of an array have their number in the path: ``("session", 0, "port")``.
    """
    return _Scanner(text).scan()


class _Scanner:
    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._found: dict[KeyPath, int] = {}
        self._last: dict[KeyPath, int] = {}  # array of tables → number of its latest table

    def scan(self) -> dict[KeyPath, int]:
        table: KeyPath = ()
        self._blanks()
        while self._at < len(self._text):
            if self._text.startswith("[[", self._at):
                table = self._header(2)
            elif self._text[self._at] == "[":
                table = self._header(1)
            else:
                self._pair(table)
            self._blanks()
        return self._found

    def _blanks(self) -> None:
        self._at = self._match(_BLANK)

    def _match(self, pattern: re.Pattern[str]) -> int:
        match = pattern.match(self._text, self._at)
        return match.end() if match else self._at

    def _header(self, brackets: int) -> KeyPath:
        start = self._at
        self._at += brackets
        keys = self._keys()
        self._at += brackets
        path = self._resolve([key for key, _ in keys[:-1]], start)
        path = (*path, keys[-1][0])
        if brackets == 2:
            self._last[path] = self._last.get(path, -1) + 1
            self._found.setdefault(path, start)
            path = (*path, self._last[path])
        self._found.setdefault(path, start)
        return path

    def _resolve(self, keys: list[str], start: int) -> KeyPath:
        path: KeyPath = ()
        for key in keys:
            path = (*path, key)
            self._found.setdefault(path, start)
            if path in self._last:
                path = (*path, self._last[path])
        return path

    def _keys(self) -> list[tuple[str, int]]:
        """The keys of a dotted key with their positions; stands after the last one and its blanks."""
        keys: list[tuple[str, int]] = []
        while True:
            self._at = self._match(_SPACE)
            start = self._at
            if self._text[start] in "\"'":
                keys.append((self._string(), start))
            else:
                self._at = self._match(_BARE)
                keys.append((self._text[start : self._at], start))
            self._at = self._match(_SPACE)
            if self._text[self._at] != ".":
                return keys
            self._at += 1

    def _pair(self, table: KeyPath) -> None:
        path = table
        for key, start in self._keys():
            path = (*path, key)
            self._found.setdefault(path, start)
        self._at += 1  # the equals sign
        self._at = self._match(_SPACE)
        self._value(path)

    def _value(self, path: KeyPath) -> None:
        match self._text[self._at]:
            case '"' | "'":
                self._string()
            case "[":
                self._array(path)
            case "{":
                self._inline_table(path)
            case _:
                self._at = self._match(_SCALAR)

    def _array(self, path: KeyPath) -> None:
        self._at += 1
        position = 0
        while True:
            self._blanks()
            if self._text[self._at] == "]":
                break
            self._found.setdefault((*path, position), self._at)
            self._value((*path, position))
            position += 1
            self._blanks()
            if self._text[self._at] == ",":
                self._at += 1
        self._at += 1

    def _inline_table(self, path: KeyPath) -> None:
        self._at += 1
        while True:
            self._at = self._match(_SPACE)
            if self._text[self._at] == "}":
                break
            self._pair(path)
            self._at = self._match(_SPACE)
            if self._text[self._at] == ",":
                self._at += 1
        self._at += 1

    def _string(self) -> str:
        """The text of a string that begins here; stands after it. Only keys need the text to be exact."""
        quote = self._text[self._at]
        triple = self._text.startswith(quote * 3, self._at)
        fence = quote * 3 if triple else quote
        begin = self._at + len(fence)
        end = begin
        while not self._text.startswith(fence, end):
            end += 2 if quote == '"' and self._text[end] == "\\" else 1
        self._at = end + len(fence)
        while triple and self._text.startswith(quote, self._at):  # up to two quotes may stand before the fence
            self._at += 1
        raw = self._text[begin:end]
        return _ESCAPES.sub(_unescape, raw) if quote == '"' else raw


def _unescape(match: re.Match[str]) -> str:
    code = match[0][1:]
    if code[0] in "uU":
        return chr(int(code[1:], 16))
    return _PLAIN_ESCAPES.get(code, code)
