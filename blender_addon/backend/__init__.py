"""The backend process as Blender sees it: found, started, spoken to without threads, restarted when it dies."""


def register() -> None:
    """Nothing to do: the process starts with the first request."""


def unregister() -> None:
    """End the backend process."""
    from . import client

    client.close()
