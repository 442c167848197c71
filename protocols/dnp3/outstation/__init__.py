"""The outstation: pure state machine in `core`, I/O in `server`."""
