"""Times as people write and read them. UTC."""

from datetime import UTC, date, datetime

from vppscada.model.errors import VppscadaError

DAY_MS = 86_400_000


def moment_ms(text: str) -> int:
    """Milliseconds since the epoch of an ISO 8601 date or date and time, UTC where it names no offset.

    Raises:
        VppscadaError: it is none.
    """
    try:
        read = datetime.fromisoformat(text)
    except ValueError:
        raise VppscadaError(f"{text!r} is no time; expected one as 2024-07-01T06:00:00Z") from None
    return round((read if read.tzinfo else read.replace(tzinfo=UTC)).timestamp() * 1000)


def day_ms(text: str) -> int:
    """Milliseconds since the epoch of the begin of a day, UTC.

    Raises:
        VppscadaError: it is none.
    """
    try:
        return moment_ms(date.fromisoformat(text).isoformat())
    except ValueError:
        raise VppscadaError(f"{text!r} is no day; expected one as 2024-07-01") from None


def utc(time_ms: int) -> str:
    """ISO 8601, milliseconds only where there are some."""
    whole = "milliseconds" if time_ms % 1000 else "seconds"
    return datetime.fromtimestamp(time_ms / 1000.0, UTC).isoformat(timespec=whole).replace("+00:00", "Z")


def day_of(time_ms: int) -> str:
    """The day that a moment lies in."""
    return datetime.fromtimestamp(time_ms / 1000.0, UTC).date().isoformat()
