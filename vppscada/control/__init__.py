"""The one way out to the field: judged, written down, sent once, and followed until its effect is seen."""
