"""The change set, where those who follow the database look for it."""

from vppscada.model.changes import EVENT_CAUSES, ChangeSet, LastValues

__all__ = ["EVENT_CAUSES", "ChangeSet", "LastValues"]
