"""The avatar in a scene of Cycles: over the world, behind what is nearer, with a shadow on the floor."""

import bpy
import numpy as np
import pytest
from test_engine_frames import scene, supervisor  # noqa: F401 (fixtures)

from addon_tests.addon.engine_scene import add_avatar, add_plane, still_picture

WIDTH, HEIGHT = 64, 96


@pytest.fixture
def world(scene, tmp_path):  # noqa: F811
    """A red avatar above a white floor under a lamp, rendered by Cycles."""
    scene.render.engine = "CYCLES"
    scene.cycles.samples, scene.cycles.use_denoising, scene.cycles.device = 4, False, "CPU"
    scene.render.resolution_x, scene.render.resolution_y = WIDTH, HEIGHT
    scene.view_settings.view_transform = "Raw"
    avatar = add_avatar(tmp_path, "red")
    people = bpy.data.collections.new("People")
    scene.collection.children.link(people)
    scene.collection.objects.unlink(avatar)
    people.objects.link(avatar)
    lamp = bpy.data.objects.new("Sun", bpy.data.lights.new("Sun", "SUN"))
    lamp.data.energy, lamp.rotation_euler = 2.0, (-0.5, 0.0, 0.0)  # from the front: shadows fall backwards
    scene.collection.objects.link(lamp)
    scene.camera.location, scene.camera.rotation_euler = (0.0, -6.0, 1.2), (np.radians(78), 0.0, 0.0)
    floor = bpy.data.meshes.new("Floor")
    floor.from_pydata([(-9, -9, 0), (9, -9, 0), (9, 9, 0), (-9, 9, 0)], [], [(0, 1, 2, 3)])
    ground = bpy.data.objects.new("Floor", floor)
    ground.location.z = -1.35
    scene.collection.objects.link(ground)
    return scene


def _rendered(tmp_path, name: str) -> np.ndarray:
    """(H, W, 4) what F12 gives, row 0 on top."""
    scene = bpy.context.scene  # noqa: F811
    settings = scene.render.image_settings
    still_picture(settings)
    settings.file_format, settings.color_mode, settings.color_depth = "OPEN_EXR", "RGBA", "32"
    scene.render.filepath = str(tmp_path / f"{name}.exr")
    bpy.ops.render.render(write_still=True)
    image = bpy.data.images.load(scene.render.filepath)
    pixels = np.empty(WIDTH * HEIGHT * 4, np.float32)
    image.pixels.foreach_get(pixels)
    return pixels.reshape(HEIGHT, WIDTH, 4)[::-1]


def _red(picture: np.ndarray) -> np.ndarray:
    return (picture[..., 0] > 0.9) & (picture[..., 1] < 0.1)


def test_the_avatar_stands_in_the_world(world, tmp_path):
    bpy.data.collections["People"].hide_render = True
    empty = _rendered(tmp_path, "empty")
    bpy.data.collections["People"].hide_render = False
    assert bpy.ops.likeness.set_up_compositing() == {"FINISHED"}
    picture = _rendered(tmp_path, "with")
    red = _red(picture)
    assert 0.02 < red.mean() < 0.5 and red[HEIGHT // 2, WIDTH // 2]
    # Its mesh is not seen in Cycles' picture, but its shadow is: somewhere beside it the floor got darker.
    change = (picture[..., :3] - empty[..., :3]).mean(-1)
    beside = ~_grown(red)
    assert change[beside].min() < -0.1
    assert np.abs(change[: HEIGHT // 6]).max() < 0.05  # nothing happened to the sky


def test_what_is_nearer_hides_the_avatar(world, tmp_path):
    bpy.ops.likeness.set_up_compositing()
    free = _red(_rendered(tmp_path, "free"))
    add_plane(y=-2.0, x=5.0)  # its left edge runs through the middle of the picture
    half = _red(_rendered(tmp_path, "half"))
    assert half[:, : WIDTH // 2 - 2].sum() > 0.9 * free[:, : WIDTH // 2 - 2].sum()
    assert not half[:, WIDTH // 2 + 4 :].any()


def test_a_shadow_catcher_lets_the_plate_through(world, tmp_path):
    bpy.data.objects.remove(bpy.data.objects["Floor"])
    plate = bpy.data.images.new("Plate", WIDTH, HEIGHT)
    plate.pixels.foreach_set(np.tile(np.float32([0.0, 1.0, 0.0, 1.0]), WIDTH * HEIGHT))
    plate.pack()
    world.likeness.background, world.likeness.background_image = "PLATE", plate
    bpy.data.objects["red"].location.z = 1.35
    bpy.ops.likeness.set_up_compositing(shadow_catcher=True)
    picture = _rendered(tmp_path, "plate")
    red = _red(picture)
    assert red.any()
    green = picture[..., 1][~_grown(red)]
    assert (green > 0.95).mean() > 0.5 and green.min() < 0.9  # the plate, and a shadow on it


def _grown(mask: np.ndarray, pixels: int = 3) -> np.ndarray:
    for _ in range(pixels):
        padded = np.pad(mask, 1)
        mask = padded[1:-1, 1:-1] | padded[2:, 1:-1] | padded[:-2, 1:-1] | padded[1:-1, 2:] | padded[1:-1, :-2]
    return mask


def test_the_second_scene_follows_the_first_when_it_renders(world, tmp_path):
    bpy.ops.likeness.set_up_compositing()
    second = bpy.data.scenes["Scene Likeness"]
    world.render.resolution_percentage, world.frame_end = 50, 7
    lens = bpy.data.objects.new("Lens", bpy.data.cameras.new("Lens"))
    lens.location = (0.0, -6.0, 1.2)
    world.collection.objects.link(lens)
    world.camera = lens
    still_picture(world.render.image_settings)
    bpy.ops.render.render()
    assert second.camera == lens and second.frame_end == 7 and second.render.resolution_percentage == 50


def test_doing_it_again_brings_it_up_to_date(world):
    bpy.ops.likeness.set_up_compositing()
    world.render.resolution_x = 80
    bpy.ops.likeness.set_up_compositing()
    seconds = [s for s in bpy.data.scenes if s != world]
    assert len(seconds) == 1 and seconds[0].render.resolution_x == 80 and seconds[0].render.engine == "LIKENESS"
    if hasattr(world, "compositing_node_group"):  # in Blender 4.5 the tree is the scene's own
        assert len([tree for tree in bpy.data.node_groups if tree.name.startswith("Likeness")]) == 1
        nodes = world.compositing_node_group.nodes
    else:
        nodes = world.node_tree.nodes
    assert sorted(n.bl_idname for n in nodes if "RLayers" in n.bl_idname) == ["CompositorNodeRLayers"] * 2
    assert len([n for n in nodes if n.bl_idname == "CompositorNodeAlphaOver"]) == 1


def test_no_avatar_and_the_wrong_engine_are_sentences(scene):  # noqa: F811
    assert not bpy.ops.likeness.set_up_compositing.poll()


def test_an_avatar_in_no_collection_is_a_sentence(scene, tmp_path):  # noqa: F811
    scene.render.engine = "CYCLES"
    obj = add_avatar(tmp_path, "red")
    assert obj.name in scene.collection.objects
    with pytest.raises(RuntimeError, match="no collection"):
        bpy.ops.likeness.set_up_compositing()
