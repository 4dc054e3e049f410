"""Frames through Blender's own render, with the real backend operation and a renderer of flat colours."""

import os
import signal

import bpy
import numpy as np
import pytest

from addon_tests.addon import engine_scene
from addon_tests.addon.engine_scene import add_avatar, add_plane, passes_of, render, set_up
from blender_addon.backend import client, locate
from blender_addon.backend.process import BackendProcess
from blender_addon.backend.supervisor import Supervisor
from blender_addon.engine.passes import linear


@pytest.fixture(scope="module")
def supervisor(tmp_path_factory):
    """One flat backend for all tests of this file."""
    log = tmp_path_factory.mktemp("log") / "backend.log"
    supervisor = Supervisor(lambda: BackendProcess(engine_scene.COMMAND, locate.backend_environment(), log))
    yield supervisor
    supervisor.close()


@pytest.fixture
def scene(blender, supervisor, monkeypatch):
    monkeypatch.setattr(client, "_shared", supervisor)
    monkeypatch.setattr(client, "close", lambda: None)  # unregistering must not end the backend of all tests
    set_up()
    return bpy.context.scene


def test_an_avatar_is_drawn_linear_premultiplied_with_depth_and_mask(scene, tmp_path):
    add_avatar(tmp_path, "grey")
    passes = render(tmp_path)
    alpha, seen = passes["combined"][..., 3], passes["mask"] > 0
    assert 0.03 < seen.mean() < 0.5 and np.array_equal(alpha, passes["mask"])
    assert np.allclose(passes["combined"][seen][:, :3], linear(np.float32(0.5)), atol=1e-6)
    assert not passes["combined"][~seen].any() and (passes["depth"][~seen] == 1e10).all()
    assert abs(np.median(passes["depth"][seen]) - 5.0) < 0.3


def test_the_head_is_up_and_the_left_hand_on_the_right(scene, tmp_path):
    avatar = add_avatar(tmp_path, "red")
    avatar.location.z = 0.5
    passes = render(tmp_path)
    rows, columns = np.nonzero(passes["mask"])
    assert rows.mean() < passes["mask"].shape[0] / 2
    avatar.location = (0.8, 0.0, 0.0)  # the person's left is +x
    assert np.nonzero(render(tmp_path)["mask"])[1].mean() > columns.mean()


def test_the_nearer_avatar_hides_the_farther_one(scene, tmp_path):
    add_avatar(tmp_path, "red")
    green = add_avatar(tmp_path, "green", location=(0.0, -1.0, 0.0))
    in_front = render(tmp_path)["combined"]
    green.location.y = 1.0
    behind = render(tmp_path)["combined"]
    centre = (in_front.shape[0] // 2, in_front.shape[1] // 2)
    assert in_front[centre].tolist() == [0, 1, 0, 1] and behind[centre].tolist() == [1, 0, 0, 1]


def test_meshes_in_front_hold_out_and_meshes_behind_do_not(scene, tmp_path):
    add_avatar(tmp_path, "red")
    free = render(tmp_path)["mask"]
    plane = add_plane(y=1.0)
    assert np.array_equal(render(tmp_path)["mask"], free)
    plane.location.y = -2.0
    assert not render(tmp_path)["mask"].any()
    plane.location.x = 5.0  # its left edge now runs through the middle of the picture
    half = render(tmp_path)["mask"]
    middle = free.shape[1] // 2
    assert np.array_equal(half[:, : middle - 1], free[:, : middle - 1]) and not half[:, middle + 1 :].any()


def test_instances_hold_out(scene, tmp_path):
    add_avatar(tmp_path, "red")
    plane = add_plane(y=0.0)
    collection = bpy.data.collections.new("Planes")
    collection.objects.link(plane)
    scene.collection.objects.unlink(plane)
    empty = bpy.data.objects.new("instance", None)
    empty.instance_type, empty.instance_collection, empty.location = "COLLECTION", collection, (0.0, -2.0, 0.0)
    scene.collection.objects.link(empty)
    assert not render(tmp_path)["mask"].any()


@pytest.mark.parametrize("how", ["hide_render", "visible_camera", "excluded", "indirect"])
def test_what_the_camera_does_not_see_does_not_hold_out(scene, tmp_path, how):
    add_avatar(tmp_path, "red")
    free = render(tmp_path)["mask"]
    plane = add_plane(y=-2.0)
    if how == "hide_render":
        plane.hide_render = True
    elif how == "visible_camera":
        plane.visible_camera = False
    else:
        collection = bpy.data.collections.new("Away")
        scene.collection.children.link(collection)
        collection.objects.link(plane)
        scene.collection.objects.unlink(plane)
        layer_collection = bpy.context.view_layer.layer_collection.children["Away"]
        setattr(layer_collection, "exclude" if how == "excluded" else "indirect_only", True)
    assert np.array_equal(render(tmp_path)["mask"], free)


def test_an_avatar_in_a_holdout_collection_cuts_out_the_one_behind(scene, tmp_path):
    add_avatar(tmp_path, "red")
    green = add_avatar(tmp_path, "green", location=(0.0, -1.0, 0.0))
    both = render(tmp_path)
    collection = bpy.data.collections.new("Front")
    scene.collection.children.link(collection)
    collection.objects.link(green)
    scene.collection.objects.unlink(green)
    bpy.context.view_layer.layer_collection.children["Front"].holdout = True
    cut = render(tmp_path)
    is_green = both["combined"][..., 1] > 0
    behind = cut["combined"][..., 3]
    assert not cut["combined"][..., 1].any()
    assert (behind[is_green] == 0).mean() > 0.8 and (behind[is_green] < 1).all()  # the rim is smooth
    assert (cut["combined"] == both["combined"])[~is_green].mean() > 0.98


def test_view_layers_are_drawn_each_with_its_own_collections(scene, tmp_path):
    for color in ("red", "green"):
        collection = bpy.data.collections.new(color)
        scene.collection.children.link(collection)
        avatar = add_avatar(tmp_path, color)
        collection.objects.link(avatar)
        scene.collection.objects.unlink(avatar)
    second = scene.view_layers.new("Second")
    second.use_pass_z = True
    bpy.context.view_layer.layer_collection.children["green"].exclude = True
    second.layer_collection.children["red"].exclude = True
    render(tmp_path)
    path = tmp_path / "frame.exr"
    first, second = passes_of(path)["combined"], passes_of(path, "Second")["combined"]
    assert first[..., 0].any() and not first[..., 1].any()
    assert second[..., 1].any() and not second[..., 0].any()


def test_a_border_is_the_same_pixels_as_in_the_whole_picture(scene, tmp_path):
    add_avatar(tmp_path, "red")
    whole = render(tmp_path)
    settings = scene.render
    settings.use_border = True
    settings.border_min_x, settings.border_max_x, settings.border_min_y, settings.border_max_y = 0.31, 0.7, 0.4, 0.93
    height, width = whole["mask"].shape
    left, right, bottom, top = int(0.31 * width), int(0.7 * width), int(0.4 * height), int(0.93 * height)
    inside = (slice(height - top, height - bottom), slice(left, right))
    part = render(tmp_path)
    expected = np.zeros_like(whole["combined"])
    expected[inside] = whole["combined"][inside]
    assert whole["mask"][inside].any() and np.array_equal(part["combined"], expected)
    settings.use_crop_to_border = True
    assert np.array_equal(render(tmp_path)["combined"], whole["combined"][inside])


def test_percentage_gives_the_same_picture_smaller(scene, tmp_path):
    add_avatar(tmp_path, "red")
    whole = render(tmp_path)["mask"]
    scene.render.resolution_percentage = 50
    half = render(tmp_path)["mask"]
    assert half.shape == (whole.shape[0] // 2, whole.shape[1] // 2)
    averaged = whole.reshape(half.shape[0], 2, half.shape[1], 2).mean(axis=(1, 3))
    assert np.abs(averaged - half).mean() < 0.03


def test_an_orthographic_camera_draws_sizes_that_do_not_depend_on_distance(scene, tmp_path):
    camera = scene.camera
    camera.data.type, camera.data.ortho_scale = "ORTHO", 2.2
    avatar = add_avatar(tmp_path, "red")
    near = render(tmp_path)
    avatar.location.y = 3.0
    far = render(tmp_path)
    assert near["mask"].any() and np.array_equal(near["mask"], far["mask"])
    assert np.median(far["depth"][far["mask"] > 0] - near["depth"][near["mask"] > 0]) == pytest.approx(3.0, abs=1e-3)


def test_what_is_nearer_than_clip_start_is_cut(scene, tmp_path):
    add_avatar(tmp_path, "red")
    plane = add_plane(y=-3.0)  # two metres from the camera
    assert not render(tmp_path)["mask"].any()
    scene.camera.data.clip_start = 2.5
    assert render(tmp_path)["mask"].any()
    bpy.data.objects.remove(plane)
    scene.camera.data.clip_start = 20.0
    assert not render(tmp_path)["mask"].any()


def test_a_scene_without_avatars_is_an_empty_frame(scene, tmp_path):
    passes = render(tmp_path)
    assert not passes["combined"].any() and (passes["depth"] == 1e10).all()


def test_an_animation_follows_the_pose_and_is_the_same_when_rendered_twice(scene, tmp_path):
    avatar = add_avatar(tmp_path, "red")
    for frame, x in ((1, -0.3), (3, 0.3)):
        avatar.location.x = x
        avatar.keyframe_insert("location", frame=frame)
    scene.frame_start, scene.frame_end = 1, 3
    runs = []
    for run in ("first", "second"):
        scene.render.filepath = str(tmp_path / run / "####")
        bpy.ops.render.render(animation=True)
        runs.append([passes_of(tmp_path / run / f"{frame:04d}.exr") for frame in (1, 2, 3)])
    columns = [np.nonzero(passes["mask"])[1].mean() for passes in runs[0]]
    assert columns == sorted(columns) and columns[2] - columns[0] > 5
    for a, b in zip(*runs):
        assert all(np.array_equal(a[name], b[name]) for name in a)


def test_an_error_stops_the_animation_and_writes_nothing_more(scene, tmp_path):
    avatar = add_avatar(tmp_path, "red")
    avatar.hide_render = True
    avatar.keyframe_insert("hide_render", frame=1)
    avatar.hide_render = False
    avatar.keyframe_insert("hide_render", frame=2)
    avatar.likeness.avatar_path = str(tmp_path / "missing.likeness")
    scene.frame_start, scene.frame_end = 1, 4
    scene.render.filepath = str(tmp_path / "out" / "####")
    with pytest.raises(RuntimeError, match="There is no avatar file"):
        bpy.ops.render.render(animation=True)
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["0001.exr"]


def _panoramic(scene, avatar):
    scene.camera.data.type = "PANO"


def _no_file(scene, avatar):
    avatar.likeness.avatar_path = ""


def _mirrored(scene, avatar):
    avatar.modifiers.new("Mirror", "MIRROR")


def _other_body(scene, avatar):
    mesh = bpy.data.meshes.new("other")
    mesh.from_pydata([(0, 0, 0), (1, 0, 0), (0, 0, 1)], [], [(0, 1, 2)])
    avatar.data = mesh


@pytest.mark.parametrize(
    "spoil, words",
    [
        (_panoramic, "make it perspective or orthographic"),
        (_no_file, "names no avatar file"),
        (_mirrored, "remove modifiers"),
        (_other_body, "A mesh has 3 vertices where its avatar"),
    ],
)
def test_what_cannot_be_drawn_is_a_sentence(scene, tmp_path, spoil, words):
    avatar = add_avatar(tmp_path, "red")
    spoil(scene, avatar)
    with pytest.raises(RuntimeError, match=words):
        render(tmp_path)
    assert not (tmp_path / "frame.exr").exists()


def test_a_bug_is_a_report_too(scene, tmp_path, monkeypatch):
    def broken(*_):
        raise ZeroDivisionError("division by zero")

    monkeypatch.setattr("blender_addon.engine.final.render_final", broken)
    with pytest.raises(RuntimeError, match="ZeroDivisionError"):
        render(tmp_path)
    assert not (tmp_path / "frame.exr").exists()


def test_a_backend_killed_between_frames_is_replaced(scene, tmp_path, supervisor):
    add_avatar(tmp_path, "red")
    before = render(tmp_path)
    os.kill(supervisor.pid, signal.SIGKILL)
    assert np.array_equal(render(tmp_path)["combined"], before["combined"])


def test_a_backend_that_dies_in_a_frame_draws_it_again(scene, tmp_path, supervisor):
    add_avatar(tmp_path, "crash")
    render(tmp_path)
    assert not (tmp_path / "crash.likeness").exists()  # removed by the process that died


def test_stopping_the_render_cancels_the_job(scene, tmp_path, monkeypatch):
    from blender_addon.engine.render_engine import LIKENESS_RenderEngine

    add_avatar(tmp_path, "red")
    monkeypatch.setattr(LIKENESS_RenderEngine, "test_break", lambda self: True, raising=False)
    bpy.context.scene.render.filepath = str(tmp_path / "stopped.exr")
    bpy.ops.render.render()  # returns, without an error report
