"""A virtual power plant master station: many assets below, one plant above."""

__version__ = "0.1.0"
