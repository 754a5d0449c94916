"""As at the doors: a module may share one home."""

from tests.doors.conftest import own_folders

__all__ = ["own_folders"]
