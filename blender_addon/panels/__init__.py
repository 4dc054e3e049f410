"""The Likeness tab in the 3D viewport's sidebar."""

from ..typed import register_and_unregister
from . import avatar

classes = avatar.classes
register, unregister = register_and_unregister(classes)
