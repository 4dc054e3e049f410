"""Avatar description in, Blender objects out."""

from collections.abc import Generator
from dataclasses import dataclass

import bpy
import numpy as np

from ..avatar_files import stored_path
from ..properties import AVATAR_VERSION
from ..typed import scene_of
from .armature import build_armature
from .camera import build_camera, look_through
from .controls import add_controls, ring_radii
from .description import AvatarDescription
from .material import build_material
from .mesh import build_mesh, hang_on
from .pose import EXPRESSION_JOINTS_KEY, apply_pose


@dataclass(frozen=True)
class AvatarObjects:
    """What was built. camera is None when the avatar has none."""

    armature: bpy.types.Object
    mesh: bpy.types.Object
    camera: bpy.types.Object | None


def build_avatar(
    description: AvatarDescription, context: bpy.types.Context, *, photo_pose: bool = True, photo_camera: bool = True
) -> AvatarObjects:
    """`build_steps` from beginning to end."""
    steps = build_steps(description, context, photo_pose=photo_pose, photo_camera=photo_camera)
    while True:
        try:
            next(steps)
        except StopIteration as stop:
            return stop.value


def build_steps(
    description: AvatarDescription, context: bpy.types.Context, *, photo_pose: bool = True, photo_camera: bool = True
) -> Generator[None, None, AvatarObjects]:
    """Armature, mesh, material and photo camera in a collection of their own; returns the AvatarObjects.

    Yields between pieces that take a hundredth of a second or two. The scene changes only in the last two.

    Args:
        photo_pose: stand as in the photo; otherwise in the rest pose, soles on the ground.
        photo_camera: add the photo's camera and look through it.
    """
    material = yield from build_material(description.name, description.texture)
    mesh = yield from build_mesh(description, material)
    radii = ring_radii(description)
    yield

    collection = bpy.data.collections.new(description.name)
    context.scene.collection.children.link(collection)
    armature = build_armature(description, collection)
    add_controls(armature, description, radii)
    hang_on(mesh, armature, collection)
    armature.data[EXPRESSION_JOINTS_KEY] = description.expression_joint_offsets.astype(float).ravel().tolist()
    for thing in (armature, mesh):
        thing.likeness.avatar_path = stored_path(description.path)
        thing.likeness.version = AVATAR_VERSION
    armature.likeness.is_avatar = True
    mesh.likeness.is_avatar_mesh = True
    if photo_pose:
        apply_pose(armature, description.pose, description.transl)
    else:
        clothed = description.rest_vertices + description.clothed_offsets
        apply_pose(armature, description.pose * 0, np.array([0.0, -float(clothed[:, 1].min()), 0.0]))
    yield
    camera = None
    if photo_camera and description.camera is not None:
        camera = build_camera(f"{description.name} Photo Camera", description.camera, collection)
        look_through(scene_of(context), camera, description.camera)
    # The correctives' handler writes shape keys between frames: the interface must not read them at that moment.
    context.scene.render.use_lock_interface = True
    context.view_layer.update()
    return AvatarObjects(armature, mesh, camera)
