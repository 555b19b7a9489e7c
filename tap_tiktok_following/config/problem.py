"""Errors about a file of usernames, and its maximum size."""

from __future__ import annotations

MAX_FILE = 64 * 1024 * 1024
"""Largest file of usernames in bytes."""


class FileProblem(Exception):  # noqa: N818 - its text is for the user
    """A file of usernames cannot be used; the text says why, and follows the file's name."""
