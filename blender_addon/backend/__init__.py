"""The backend process as Blender sees it: found, started, spoken to without threads, restarted when it dies."""

from ..lazily import loaded


def register() -> None:
    """Nothing to do: the process starts with the first request."""


def unregister() -> None:
    """End the backend process."""
    if client := loaded("backend.client"):
        client.close()
