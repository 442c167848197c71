"""What an outstation is and serves, for the engineer of the master that is to poll it."""

from protocols.dnp3.profile.document import profile_document
from protocols.dnp3.profile.lists import point_lists

__all__ = ["point_lists", "profile_document"]
