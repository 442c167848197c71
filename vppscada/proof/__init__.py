"""Proof after the fact: the books as people read them, perfect foresight, and the evidence of a called event."""
