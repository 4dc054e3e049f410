"""The rig as built: structure, shape keys, weights, material, axes."""

import numpy as np
import pytest
from avatars import describe, describe_arrays

from blender_addon.rig.axes import (
    BLENDER_FROM_CORE,
    coordinate_rows_to_blender,
    rotations_to_core,
    to_blender,
    to_core,
)
from blender_addon.rig.build import build_avatar
from blender_addon.rig.description import AvatarDescription
from blender_addon.rig.material import material_image
from neural_core.body.skeleton import JOINT_NAMES, PARENTS
from neural_core.errors import AvatarFileError


def test_axes_agree_in_every_form():
    points = np.random.default_rng(0).normal(size=(7, 3))
    assert np.array_equal(to_blender([0, 1, 0]), [0, 0, 1])  # up is up
    assert np.array_equal(to_blender([0, 0, 1]), [0, -1, 0])  # a person faces Blender's front view
    assert np.allclose(to_blender(points), points @ BLENDER_FROM_CORE.T)
    assert np.array_equal(to_core(to_blender(points)), points)
    rows, signs = coordinate_rows_to_blender(np.arange(21))
    assert np.allclose((points.ravel() * signs)[np.argsort(rows)], to_blender(points).ravel())
    turn = np.array([[0.0, 1, 0], [0, 0, 1], [1, 0, 0]])
    assert np.allclose(to_blender(points @ rotations_to_core(turn).T), to_blender(points) @ turn.T)


def test_bones_are_the_smplx_joints(avatar):
    bones = avatar.armature.data.bones
    assert {bone.name for bone in bones} == set(JOINT_NAMES)
    for joint, parent in enumerate(PARENTS):
        above = bones[JOINT_NAMES[joint]].parent
        assert above is None if parent < 0 else above.name == JOINT_NAMES[parent]
    heads = np.array([bones[name].head_local for name in JOINT_NAMES])
    assert np.abs(to_core(heads) - describe().joints).max() < 1e-6
    assert {c.name: len(c.bones) for c in avatar.armature.data.collections} == {"Body": 22, "Hands": 30, "Face": 3}


def test_mirrored_bones_mirror_each_other(avatar):
    """Left and right bones roll alike, so that Blender's mirrored pasting of poses works."""
    bones = avatar.armature.data.bones
    for name in ("shoulder", "elbow", "hip", "knee", "index2"):
        left, right = (np.array(bones[f"{side}_{name}"].matrix_local)[:3, :3] for side in ("left", "right"))
        mirrored = np.diag([-1.0, 1, 1]) @ left @ np.diag([-1.0, 1, 1])
        assert np.abs(mirrored - right).max() < 0.2, name  # bodies are not perfectly symmetric


def test_shape_keys_and_ranges(avatar):
    keys = avatar.mesh.data.shape_keys.key_blocks
    assert [keys[0].name, keys[1].name, keys[-1].name] == ["Basis", "Clothed", "Correctives"]
    assert keys["Clothed"].value == 1.0 and keys["Correctives"].value == 1.0
    assert keys["Expression 03"].slider_min <= -3 and keys["action07"].slider_min == 0.0
    assert np.allclose([keys["Expression 03"].value, keys["action07"].value], describe().expression[[3, 17]])


def test_weights_sum_to_one_and_match(avatar):
    description = describe()
    for vertex in range(0, len(description.rest_vertices), 997):
        groups = {g.group: g.weight for g in avatar.mesh.data.vertices[vertex].groups}
        expected: dict[int, float] = {}
        for joint, value in zip(description.weight_joint[vertex].tolist(), description.weight_value[vertex].tolist()):
            if value > 0:
                expected[joint] = expected.get(joint, 0) + value
        assert groups == pytest.approx(expected, abs=1e-6)
        assert sum(groups.values()) == pytest.approx(1, abs=1e-5)


def test_texture_is_packed_and_upright(avatar):
    image = material_image(avatar.mesh.data.materials[0])
    assert image.packed_file is not None and image.colorspace_settings.name == "sRGB"
    pixels = np.array(image.pixels[:]).reshape(image.size[1], image.size[0], 4)
    texture = describe().texture[::-1] / 255  # Blender's first row is the bottom one
    assert np.abs(pixels - texture).max() < 1e-3


def test_uv_of_every_corner(avatar):
    uv = np.empty(2 * len(avatar.mesh.data.loops), np.float32)
    avatar.mesh.data.uv_layers[0].uv.foreach_get("vector", uv)
    assert np.array_equal(uv, describe().loop_uv.ravel())


def test_a_rig_in_rest_pose_stands_on_the_ground(blender):
    built = build_avatar(describe(), blender.context, photo_pose=False)
    evaluated = built.mesh.evaluated_get(blender.context.evaluated_depsgraph_get())
    low = min(v.co.z for v in evaluated.data.vertices)
    assert abs(low) < 0.02  # the expression and its correctives do not reach the soles


@pytest.mark.parametrize(
    ("spoil", "name"),
    [
        (lambda body, arrays: arrays.pop("faces"), "faces"),
        (lambda body, arrays: arrays.update(joints=arrays["joints"][:54]), "joints"),
        (lambda body, arrays: arrays.update(faces=arrays["faces"] + 9), "faces"),
        (lambda body, arrays: arrays.update(corrective_feature=arrays["corrective_feature"] + 1), "corrective_feature"),
        (lambda body, arrays: arrays["rest_vertices"].__setitem__((3, 1), np.nan), "rest_vertices"),
        (lambda body, arrays: body.update(parents=[5, *body["parents"][1:]]), "tree"),
        (lambda body, arrays: body.update(joint_names=["a"] * 55), "55 joints"),
    ],
)
def test_a_description_that_does_not_fit_is_refused(spoil, name):
    body, arrays = describe_arrays()
    arrays = {key: value.copy() for key, value in arrays.items()}
    spoil(body, arrays)
    with pytest.raises(AvatarFileError, match=name):
        AvatarDescription.from_wire(body, arrays)
