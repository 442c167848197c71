"""What was taken apart, as lines that are read from top to bottom: octets, link, transport, application. Pure."""

from collections.abc import Iterator, Mapping

from protocols.dnp3.trace import words
from protocols.dnp3.trace.explain import Explained

_OCTETS_OF_HEADER, _OCTETS_OF_BLOCK = 10, 18


def octet_lines(octets: bytes) -> Iterator[str]:
    """The octets of a frame as it is built: its header, then block by block."""
    yield octets[:_OCTETS_OF_HEADER].hex(" ").upper()
    for at in range(_OCTETS_OF_HEADER, len(octets), _OCTETS_OF_BLOCK):
        yield octets[at : at + _OCTETS_OF_BLOCK].hex(" ").upper()


def link_line(link: Explained) -> str:
    """The link header in one line."""
    bits = ("fcb", "fcv") if link["primary"] else ("dfc",)
    return (
        f"link {link['direction']}, pri: {link['primary']:d} "
        + " ".join(f"{bit}: {link[bit]:d}" for bit in bits)
        + f" func: {link['function']}(0x{link['code']:02X}) 0x{link['control']:02X}"
        + f" length: {link['length']} dest: {link['destination']} src: {link['source']}"
    )


def transport_line(transport: Explained) -> str:
    """The transport header in one line."""
    return f"transport fir: {transport['fir']:d} fin: {transport['fin']:d} seq: {transport['sequence']}"


def application_lines(application: Explained) -> Iterator[str]:
    """A fragment: its header, then its object headers and objects, indented."""
    if "function" in application:
        head = (
            "application {function}(0x{code:02X}) fir: {fir:d} fin: {fin:d} con: {con:d} uns: {uns:d} seq: {sequence}"
        )
        line = head.format(**application)
        indications = application.get("indications")
        yield f"{line} IIN({', '.join(indications)})" if isinstance(indications, list) else line
    objects = application.get("objects")
    if isinstance(objects, list):
        for header in objects:
            yield "  " + _header_line(header)
            yield from ("    " + _point_line(point) for point in header.get("points", ()))
    if "fault" in application:
        yield f"  cannot be read: {application['fault']}; octets {application['octets']}"


def _header_line(header: Mapping[str, object]) -> str:
    code = header["qualifier"]
    qualifier = words.QUALIFIERS.get(code, "qualifier") if isinstance(code, int) else "qualifier"
    line = f"g{header['group']}v{header['variation']} {header['name']}, {qualifier} (0x{code:02X})"
    if "start" in header:
        line += f", start: {header['start']} stop: {header['stop']}"
    return f"{line}, count: {header['count']}" if "count" in header else line


def _point_line(point: Mapping[str, object]) -> str:
    parts = []
    for name, value in point.items():
        match name, value:
            case "index", _:
                parts.append(f"[{value}]")
            case "flags", list():
                parts.append(f"flags: {'|'.join(value) or 'none'}")
            case "text", str():
                parts.append(f"text: {value!r}")
            case _, True:
                parts.append(name)
            case _:
                parts.append(f"{name}: {value}")
    return " ".join(parts)
