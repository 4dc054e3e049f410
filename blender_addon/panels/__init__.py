"""The Likeness tab in the 3D viewport's sidebar."""

import bpy

from . import avatar

classes = avatar.classes
register, unregister = bpy.utils.register_classes_factory(classes)
