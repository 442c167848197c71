"""The master of an association: pure state machine in `core`, I/O in `session`."""
