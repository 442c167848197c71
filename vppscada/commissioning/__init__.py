"""What an engineer does with a device before the plant has it: read, watch, operate, check point by point."""
