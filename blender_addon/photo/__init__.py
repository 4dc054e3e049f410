"""The photo beside the viewport: seen with what was found in it, corrected by hand, fitted again after every change."""

from ..typed import register_and_unregister
from . import corrections, follow, mask, opening, overlay, pins, properties, tools, view

classes = (*properties.classes, *opening.classes, *pins.classes, *mask.classes, *corrections.classes)
_register_classes, _unregister_classes = register_and_unregister(classes)


def register() -> None:
    _register_classes()
    properties.register()
    tools.register()
    follow.register()


def unregister() -> None:
    follow.unregister()
    overlay.stop()
    view.forget()
    tools.unregister()
    properties.unregister()
    _unregister_classes()
