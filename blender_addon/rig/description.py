"""What the backend's `describe_avatar` answers, checked before a single datablock is made."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from neural_core.errors import AvatarFileError

NUM_JOINTS = 55
NUM_POSE_FEATURES = 486  # (R - I) of joints 1..54


@dataclass(frozen=True)
class AvatarDescription:
    """Everything Blender needs to build an avatar; core axes (y up), metres, radians.

    Attributes:
        name: of the avatar. path: of its file. joint_names: 55 in SMPL-X order; parents: 55, -1 for the root.
        expression_names: K. camera: JSON of the photo camera or None.
        rest_vertices: (V, 3) shaped, unclothed, neutral, T pose. clothed_offsets: (V, 3).
        faces: (F, 3). loop_uv: (F, 3, 2), v up. joints: (55, 3) at rest.
        weight_joint, weight_value: (V, n) sparse skinning weights, rows sum to one.
        expression_offsets: (K, V, 3). expression_joint_offsets: (K, 55, 3).
        corrective_index: (n,) vertex * 3 + axis; corrective_feature: (n,) in 0..485; corrective_value: (n,).
        pose: (55, 3) axis-angle of the photo; transl: (3,); expression: (K,); hands_mean: (30, 3).
        texture: (R, R, 4) uint8 sRGB, row 0 on top.
    """

    name: str
    path: str
    joint_names: tuple[str, ...]
    parents: tuple[int, ...]
    expression_names: tuple[str, ...]
    camera: dict | None
    rest_vertices: np.ndarray
    clothed_offsets: np.ndarray
    faces: np.ndarray
    loop_uv: np.ndarray
    joints: np.ndarray
    weight_joint: np.ndarray
    weight_value: np.ndarray
    expression_offsets: np.ndarray
    expression_joint_offsets: np.ndarray
    corrective_index: np.ndarray
    corrective_feature: np.ndarray
    corrective_value: np.ndarray
    pose: np.ndarray
    transl: np.ndarray
    expression: np.ndarray
    hands_mean: np.ndarray
    texture: np.ndarray

    @staticmethod
    def from_wire(body: Mapping, arrays: Mapping[str, np.ndarray]) -> "AvatarDescription":
        """Check shapes, index ranges and finiteness.

        Raises:
            AvatarFileError: naming the first thing that does not fit.
        """
        names = tuple(str(name) for name in body.get("expression_names", ()))
        V, F = _rows(arrays, "rest_vertices"), _rows(arrays, "faces")
        n, R = _rows(arrays, "corrective_index"), _rows(arrays, "texture")
        K, influences = len(names), arrays["weight_joint"].shape[-1] if "weight_joint" in arrays else 0
        shapes = {
            "rest_vertices": (V, 3), "clothed_offsets": (V, 3), "faces": (F, 3), "loop_uv": (F, 3, 2),
            "joints": (NUM_JOINTS, 3), "weight_joint": (V, influences), "weight_value": (V, influences),
            "expression_offsets": (K, V, 3), "expression_joint_offsets": (K, NUM_JOINTS, 3),
            "corrective_index": (n,), "corrective_feature": (n,), "corrective_value": (n,),
            "pose": (NUM_JOINTS, 3), "transl": (3,), "expression": (K,), "hands_mean": (30, 3), "texture": (R, R, 4),
        }  # fmt: skip
        for name, shape in shapes.items():
            _check(name in arrays, f"the array '{name}' is missing")
            _check(arrays[name].shape == shape, f"'{name}' has the shape {arrays[name].shape}, not {shape}")
            _check(bool(np.isfinite(arrays[name]).all()), f"'{name}' holds numbers that are not finite")
        limits = {
            "faces": V, "weight_joint": NUM_JOINTS, "corrective_index": 3 * V, "corrective_feature": NUM_POSE_FEATURES,
        }  # fmt: skip
        for name, limit in limits.items():
            values = arrays[name]
            inside = values.size == 0 or (values.min() >= 0 and values.max() < limit)
            _check(inside, f"'{name}' points outside of its {limit} entries")
        joint_names, parents = tuple(body.get("joint_names", ())), tuple(body.get("parents", ()))
        _check(len(set(joint_names)) == NUM_JOINTS and len(parents) == NUM_JOINTS, "it does not have 55 joints")
        _check(all(-1 <= p < j for j, p in enumerate(parents)), "its joints do not form a tree")
        return AvatarDescription(
            name=str(body.get("name") or "Avatar"),
            path=str(body.get("path", "")),
            joint_names=joint_names,
            parents=parents,
            expression_names=names,
            camera=body.get("camera"),
            **{name: arrays[name] for name in shapes},
        )


def _rows(arrays: Mapping[str, np.ndarray], name: str) -> int:
    return len(arrays[name]) if name in arrays and arrays[name].ndim else 0


def _check(condition: bool, what: str) -> None:
    if not condition:
        raise AvatarFileError(f"The avatar cannot be built because {what}: create it again from its photo.")
