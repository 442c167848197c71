"""SunSpec devices: point maps from the Alliance's model definitions, and from a live device's chain of models."""
