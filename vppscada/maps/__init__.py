"""Point maps and the site file: read, checked and told in a summary. Every fault with its place, all at once."""

from vppscada.maps.locate import find_site
from vppscada.maps.summary import summarise
from vppscada.maps.toml_site import load_site

__all__ = ["find_site", "load_site", "summarise"]
