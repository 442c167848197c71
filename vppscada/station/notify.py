"""Telling systemd how we are: a datagram to the socket that it names, nothing where it names none.

See sd_notify(3): READY=1, STATUS=…, WATCHDOG=1, STOPPING=1, each line a variable.
"""

import os
import socket


def notify(**variables: str) -> bool:
    """Send variables (``notify(READY="1", STATUS="…")``). False where nobody listens."""
    address = os.environ.get("NOTIFY_SOCKET")
    if not address:
        return False
    if address.startswith("@"):
        address = "\0" + address[1:]
    message = "\n".join(f"{name}={value}" for name, value in variables.items())
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
            sock.sendto(message.encode(), address)
    except OSError:
        return False
    return True


def watchdog_period_s() -> float | None:
    """Half of the period that systemd asks for (sd_watchdog_enabled(3)); None where it watches nothing."""
    text = os.environ.get("WATCHDOG_USEC", "")
    pid = os.environ.get("WATCHDOG_PID", "")
    if not text.isdigit() or int(text) == 0 or (pid and pid != str(os.getpid())):
        return None
    return int(text) / 2e6
