"""The Likeness tab in the 3D viewport's sidebar; a panel a file, in the order of `bl_order`."""

from ..typed import register_and_unregister
from . import avatar, photo, pose, proposals

classes = (*photo.classes, *avatar.classes, *proposals.classes, *pose.classes)
register, unregister = register_and_unregister(classes)
