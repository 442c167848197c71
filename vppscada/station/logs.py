"""Logs: one line an event, JSON where a machine reads them, columns on a terminal."""

import logging
import sys

import structlog


def configure_logs(level: str = "info", json_lines: bool | None = None) -> None:
    """Send structlog (and what libraries log from WARNING up) to standard error.

    ``json_lines`` None decides by whether standard error is a terminal.
    """
    as_json = not sys.stderr.isatty() if json_lines is None else json_lines
    renderer = structlog.processors.JSONRenderer() if as_json else structlog.dev.ConsoleRenderer()
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=structlog.WriteLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=True,
    )
    # A failed connection is the supervisor's to report, once; pymodbus would warn at every try.
    logging.getLogger("pymodbus.logging").setLevel(logging.CRITICAL)
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr, format="%(levelname)s %(name)s %(message)s")
