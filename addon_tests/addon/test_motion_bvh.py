"""BVH files of skeletons unlike ours: names, rest poses, axes and units."""

import bpy
import numpy as np
import pytest
from avatars import blender_vertices

from blender_addon.pose.retarget import joint_map, shortest_turn
from blender_addon.rig.axes import to_core
from blender_addon.rig.pose import Joints, read_pose
from neural_core import quaternions
from neural_core.bvh import read_bvh
from neural_core.errors import MotionError

# Joint, parent, offset in centimetres: y up, the left towards +x. Arms stretched out, as Mixamo has them.
_T_POSE = (
    ("Hips", None, (0, 95, 0)), ("Spine", "Hips", (0, 10, 0)), ("Spine1", "Spine", (0, 12, 0)),
    ("Spine2", "Spine1", (0, 12, 0)), ("Neck", "Spine2", (0, 18, 0)), ("Head", "Neck", (0, 10, 2)),
    ("LeftShoulder", "Spine2", (5, 14, 0)), ("LeftArm", "LeftShoulder", (12, 0, 0)),
    ("LeftForeArm", "LeftArm", (27, 0, 0)), ("LeftHand", "LeftForeArm", (25, 0, 0)),
    ("RightShoulder", "Spine2", (-5, 14, 0)), ("RightArm", "RightShoulder", (-12, 0, 0)),
    ("RightForeArm", "RightArm", (-27, 0, 0)), ("RightHand", "RightForeArm", (-25, 0, 0)),
    ("LeftUpLeg", "Hips", (9, -4, 0)), ("LeftLeg", "LeftUpLeg", (0, -42, 0)), ("LeftFoot", "LeftLeg", (0, -42, 0)),
    ("LeftToeBase", "LeftFoot", (0, -6, 13)),
    ("RightUpLeg", "Hips", (-9, -4, 0)), ("RightLeg", "RightUpLeg", (0, -42, 0)),
    ("RightFoot", "RightLeg", (0, -42, 0)), ("RightToeBase", "RightFoot", (0, -6, 13)),
)  # fmt: skip
# The same person with hanging arms, as many capture systems have it.
_ARMS_DOWN = tuple(
    (name, parent, (0, -abs(offset[0]), 0) if name.endswith(("ForeArm", "Hand")) else offset)
    for name, parent, offset in _T_POSE
)
_Z_UP = np.array([[1.0, 0, 0], [0, 0, -1], [0, 1, 0]])  # to a file whose up is z


def write_bvh(path, skeleton, turns, *, root=((0, 95, 0),), world=None, unit=1.0, rename=lambda name: name):
    """turns: joint -> (N, 3) degrees in the order Z X Y, in the skeleton's own axes (before `world`)."""
    world = np.eye(3) if world is None else world
    frames = len(root)
    children = {name: [child for child, parent, _ in skeleton if parent == name] for name, _, _ in skeleton}
    offsets = {name: world @ np.array(offset, float) * unit for name, _, offset in skeleton}
    order = []

    def joint(name, depth):
        pad = "\t" * depth
        order.append(name)
        kind = "ROOT" if depth == 0 else "JOINT"
        position = "6 Xposition Yposition Zposition " if depth == 0 else "3 "
        lines = [
            f"{pad}{kind} {rename(name)}", pad + "{", f"{pad}\tOFFSET " + " ".join(f"{x:.6f}" for x in offsets[name]),
            f"{pad}\tCHANNELS {position}Zrotation Xrotation Yrotation",
        ]  # fmt: skip
        for child in children[name]:
            lines += joint(child, depth + 1)
        if not children[name]:
            lines += [f"{pad}\tEnd Site", f"{pad}\t{{", f"{pad}\t\tOFFSET 0 0 1", f"{pad}\t}}"]
        return [*lines, pad + "}"]

    lines = ["HIERARCHY", *joint(skeleton[0][0], 0), "MOTION", f"Frames: {frames}", "Frame Time: 0.0333333"]
    for frame in range(frames):
        values = list(world @ np.array(root[frame], float) * unit)
        for name in order:
            values += _in_world(turns.get(name, np.zeros((frames, 3)))[frame], world)
        lines.append(" ".join(f"{value:.6f}" for value in values))
    path.write_text("\n".join(lines))
    return path


def _axis_turn(axis, degrees):
    return quaternions.to_matrices(quaternions.from_axis_angle(np.radians(degrees) * np.eye(3)[axis]))


def _in_world(turn, world):
    """Z X Y degrees, whose rotation in the file's axes is the same as `turn` before `world`."""
    R = _axis_turn(2, turn[0]) @ _axis_turn(0, turn[1]) @ _axis_turn(1, turn[2])
    R = world @ R @ world.T
    x = np.arcsin(np.clip(R[2, 1], -1, 1))
    return [np.degrees(v) for v in (np.arctan2(-R[0, 1], R[1, 1]), x, np.arctan2(-R[2, 0], R[2, 2]))]


def _heads(armature):
    """Joint -> (3,) where it is now, core axes."""
    bpy.context.view_layer.update()
    evaluated = armature.evaluated_get(bpy.context.evaluated_depsgraph_get())
    return {bone.name: to_core(np.array(armature.matrix_world @ bone.head)) for bone in evaluated.pose.bones}


def _direction(heads, a, b):
    span = heads[b] - heads[a]
    return span / np.linalg.norm(span)


def _import(path, **options):
    assert bpy.ops.likeness.import_motion(filepath=str(path), set_range=False, **options) == {"FINISHED"}
    bpy.context.scene.frame_set(1)


def test_a_bend_of_the_elbow_and_the_knee_arrives(avatar, tmp_path):
    turns = {"LeftForeArm": np.array([[0, 0, -90.0]]), "RightLeg": np.array([[0, 90.0, 0]])}
    _import(write_bvh(tmp_path / "bend.bvh", _T_POSE, turns))
    heads = _heads(avatar.armature)
    assert np.allclose(_direction(heads, "left_shoulder", "left_elbow"), [1, 0, 0], atol=0.02)
    assert np.allclose(_direction(heads, "left_elbow", "left_wrist"), [0, 0, 1], atol=0.02)  # forward
    assert np.allclose(_direction(heads, "right_knee", "right_ankle"), [0, 0, -1], atol=0.02)  # backward
    assert np.allclose(_direction(heads, "left_knee", "left_ankle"), [0, -1, 0], atol=0.02)


_RAISED = {
    "LeftArm": np.array([[30.0, 0, 20]]),
    "LeftForeArm": np.array([[0, 0, -40.0]]),
    "Hips": np.array([[0, 0, 35.0]]),
}


@pytest.mark.parametrize("rest", [_T_POSE, _ARMS_DOWN], ids=["stretched", "hanging"])
def test_bones_point_where_the_files_do_whatever_its_rest_pose(avatar, tmp_path, rest):
    path = write_bvh(tmp_path / "pose.bvh", rest, _RAISED)
    _import(path)
    bvh, heads = read_bvh(path), _heads(avatar.armature)
    globals_, index = bvh.global_rotations()[0], {name: i for i, name in enumerate(bvh.names)}
    pairs = {
        ("left_shoulder", "left_elbow"): ("LeftArm", "LeftForeArm"),
        ("left_elbow", "left_wrist"): ("LeftForeArm", "LeftHand"),
        ("right_elbow", "right_wrist"): ("RightForeArm", "RightHand"),
        ("left_hip", "left_knee"): ("LeftUpLeg", "LeftLeg"),
    }
    for (a, b), (bone, tip) in pairs.items():
        theirs = globals_[index[bone]] @ bvh.offsets[index[tip]]
        assert np.allclose(_direction(heads, a, b), theirs / np.linalg.norm(theirs), atol=0.02), (a, b)


def test_up_axis_units_and_name_prefix_do_not_matter(avatar, tmp_path):
    root = ((0, 95, 0), (10, 95, 60), (20, 105, 120))
    turns = {name: np.repeat(turn, 3, axis=0) for name, turn in _RAISED.items()}
    plain = write_bvh(tmp_path / "plain.bvh", _T_POSE, turns, root=root)
    other = write_bvh(
        tmp_path / "other.bvh", _T_POSE, turns, root=root, world=_Z_UP, unit=0.01, rename=lambda n: f"mixamorig:{n}"
    )
    found = []
    for path in (plain, other):
        _import(path, place="FILE", resample=False)
        bpy.context.scene.frame_set(3)
        found.append(read_pose(avatar.armature))
    assert np.allclose(found[0][0], found[1][0], atol=2e-3) and np.allclose(found[0][1], found[1][1], atol=2e-3)


def test_the_way_is_scaled_to_the_avatars_legs_and_starts_on_the_ground(avatar, tmp_path):
    root = ((0, 95, 0), (0, 95, 84))  # as far forward as its legs are long
    _import(write_bvh(tmp_path / "step.bvh", _T_POSE, {}, root=root), place="GROUND", resample=False)
    joints = Joints.of(avatar.armature)
    legs = dict(zip(joints.names, joints.rest_positions))
    thigh = np.linalg.norm(legs["left_hip"] - legs["left_knee"])
    start = read_pose(avatar.armature)[1]
    assert abs(blender_vertices(avatar.mesh)[:, 2].min()) < 0.015
    bpy.context.scene.frame_set(2)
    way = read_pose(avatar.armature)[1] - start
    assert np.allclose(way, [0, 0, 2 * thigh], atol=0.02)


@pytest.mark.parametrize(
    ("names", "parents", "expected"),
    [
        (
            ["Hips", "LHipJoint", "LeftUpLeg", "LeftLeg", "LowerBack", "Spine", "Spine1", "Neck", "Neck1", "Head",
             "LeftShoulder", "LeftArm", "LeftForeArm", "LeftHand", "LThumb"],
            [-1, 0, 1, 2, 0, 4, 5, 6, 7, 8, 6, 10, 11, 12, 13],
            {"pelvis": 0, "left_hip": 2, "left_knee": 3, "spine1": 4, "spine2": 5, "spine3": 6, "neck": 7, "head": 9,
             "left_collar": 10, "left_shoulder": 11, "left_elbow": 12, "left_wrist": 13},
        ),  # CMU
        (
            ["root", "pelvis", "spine_01", "spine_02", "spine_03", "neck_01", "clavicle_l", "upperarm_l", "lowerarm_l",
             "hand_l", "index_01_l", "thigh_l", "calf_l", "foot_l", "ball_l"],
            [-1, 0, 1, 2, 3, 4, 4, 6, 7, 8, 9, 1, 11, 12, 13],
            {"pelvis": 1, "spine1": 2, "spine3": 4, "neck": 5, "left_collar": 6, "left_shoulder": 7, "left_elbow": 8,
             "left_wrist": 9, "left_index1": 10, "left_hip": 11, "left_knee": 12, "left_ankle": 13, "left_foot": 14},
        ),  # Unreal
        (
            ["Hips", "Chest", "Neck", "LeftCollar", "LeftShoulder", "LeftElbow", "LeftWrist", "LeftHip", "LeftKnee",
             "LeftAnkle"],
            [-1, 0, 1, 1, 3, 4, 5, 0, 7, 8],
            {"pelvis": 0, "spine1": 1, "neck": 2, "left_collar": 3, "left_shoulder": 4, "left_elbow": 5,
             "left_wrist": 6, "left_hip": 7, "left_knee": 8, "left_ankle": 9},
        ),  # older files, where the shoulder is the upper arm
        (
            ["Bip01 Pelvis", "Bip01 L Thigh", "Bip01 L Calf", "Bip01 L UpperArm", "Bip01 L Forearm"],
            [-1, 0, 1, 0, 3],
            {"pelvis": 0, "left_hip": 1, "left_knee": 2, "left_shoulder": 3, "left_elbow": 4},
        ),  # Biped
    ],
)  # fmt: skip
def test_joints_are_known_by_many_names(names, parents, expected):
    found = joint_map(names, np.array(parents))
    assert {name: found.get(name) for name in expected} == expected
    assert len(set(found.values())) == len(found)


def test_the_shortest_turn_turns_the_one_into_the_other():
    generator = np.random.default_rng(0)
    for a, b in generator.normal(size=(20, 2, 3)):
        a, b = a / np.linalg.norm(a), b / np.linalg.norm(b)
        R = shortest_turn(a, b)
        assert np.allclose(R @ a, b, atol=1e-9) and np.allclose(np.trace(R), 1 + 2 * (a @ b), atol=1e-9)
    assert np.allclose(shortest_turn(a, -a) @ a, -a, atol=1e-6) and np.allclose(shortest_turn(a, a), np.eye(3))


@pytest.mark.parametrize(
    "spoil",
    [
        lambda text: text[: len(text) // 2], lambda text: text.replace("Frames: 1", "Frames: 1000000"),
        lambda text: text.replace("0.0333333", "nan"), lambda text: text.replace("OFFSET", "OFFSET x"),
        lambda text: text.replace("Zrotation", "Wrotation"), lambda text: "",
        lambda text: text.replace("CHANNELS 3", "CHANNELS 999999999"), lambda text: "HIERARCHY }\nMOTION",
    ],
)  # fmt: skip
def test_damaged_files_are_a_sentence(tmp_path, spoil):
    path = write_bvh(tmp_path / "spoiled.bvh", _T_POSE, {})
    path.write_text(spoil(path.read_text()))
    with pytest.raises(MotionError, match=r"spoiled\.bvh"):
        read_bvh(path)


def test_a_skeleton_that_is_no_person_is_a_sentence(avatar, tmp_path):
    path = write_bvh(
        tmp_path / "arm.bvh", (("Base", None, (0, 0, 0)), ("Boom", "Base", (0, 10, 0))), {}, root=((0, 0, 0),)
    )
    with pytest.raises(RuntimeError, match="rename its joints"):
        bpy.ops.likeness.import_motion(filepath=str(path))
