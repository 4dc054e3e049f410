"""Likeness in Blender: one photo becomes a rigged avatar that a learned renderer draws.

Thin modules by role: `rig` builds Blender objects, `operators` and `panels` are the interface, `engine` draws through
the backend process, `export` carries avatars away. No torch in this process; no Python threads.
"""

from . import backend, engine, operators, panels, photo, preferences, properties, translations
from .install import watch
from .rig import handlers
from .trouble import panel as trouble_panel

# Registered in this order, unregistered in the reverse one; each module removes everything it adds.
_modules = (
    translations, preferences, properties, watch, backend, engine, photo, operators, panels, trouble_panel, handlers,
)  # fmt: skip


def register() -> None:
    for module in _modules:
        module.register()


def unregister() -> None:
    for module in reversed(_modules):
        module.unregister()
