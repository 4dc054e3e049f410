"""The library as pose assets of the user's file: Blender's own asset browser and pose tools then work with them."""

import bpy
import numpy as np

from neural_core.motion import Motion

from ..rig.animation import pose_curves
from ..rig.pose import read_pose
from .apply import grounded, library_pose
from .library import LIBRARY


def asset_name(armature: bpy.types.Object, label: str) -> str:
    return f"{armature.name} {label}"


def add_pose_assets(armature: bpy.types.Object) -> list[bpy.types.Action]:
    """An action asset for every pose of the library; those that are there already are left alone.

    The bones' own axes differ from avatar to avatar, so each avatar has assets of its own.
    """
    made = []
    _, transl = read_pose(armature)
    for key, pose in LIBRARY.items():
        name = asset_name(armature, pose.label)
        if name in bpy.data.actions:
            continue
        rotations = library_pose(armature, key)
        height = grounded(armature, rotations, np.array([transl[0], 0.0, transl[2]]))
        motion = Motion(rotations[None], height[None], fps=30.0)
        action = bpy.data.actions.new(name)
        pose_curves(action, armature, motion, first_frame=1.0)
        action.asset_mark()
        action.asset_data.description = f"{pose.label}, for the Likeness avatar '{armature.name}'"
        action.asset_data.author = "Likeness"
        made.append(action)
    return made
