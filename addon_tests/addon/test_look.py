"""From the mesh to its neural render, to the brush, to the compositor: each one undo step."""

import bpy
import pytest
from avatars import describe

from blender_addon.rig.build import build_avatar


def _avatar() -> bpy.types.Object:
    return next(obj for obj in bpy.data.objects if obj.likeness.is_avatar)


@pytest.fixture
def undoable(blender):
    """An avatar, and undo steps before and after it, as the interface makes them."""
    bpy.context.scene.render.engine = "CYCLES"
    bpy.ops.ed.undo_push(message="Empty")
    build_avatar(describe(), bpy.context)
    bpy.ops.ed.undo_push(message="Avatar")


def test_show_rendered_takes_the_engine_and_the_photos_colors(undoable):
    bpy.context.scene.view_settings.view_transform = "AgX"
    bpy.ops.ed.undo_push(message="AgX")
    assert bpy.ops.likeness.show_rendered() == {"FINISHED"}
    bpy.ops.ed.undo_push(message="Look")
    scene = bpy.context.scene
    assert scene.render.engine == "LIKENESS" and scene.view_settings.view_transform == "Standard"
    bpy.ops.ed.undo()
    assert bpy.context.scene.render.engine == "CYCLES"
    assert bpy.context.scene.view_settings.view_transform == "AgX"


def test_paint_texture_puts_the_brush_on_the_avatars_picture(undoable):
    bpy.ops.object.mode_set(mode="POSE")
    assert bpy.ops.likeness.paint_texture() == {"FINISHED"}
    active = bpy.context.view_layer.objects.active
    assert active.likeness.is_avatar_mesh and active.mode == "TEXTURE_PAINT"
    tree = active.data.materials[0].node_tree
    assert tree.nodes.active.type == "TEX_IMAGE" and tree.nodes.active.image.name == "Test Person Texture"
    bpy.ops.object.mode_set(mode="OBJECT")


def test_paint_texture_is_one_undo_step(undoable):
    bpy.context.view_layer.objects.active = _avatar()
    before = bpy.context.view_layer.objects.active.name
    bpy.ops.ed.undo_push(message="Selected")
    assert bpy.ops.likeness.paint_texture() == {"FINISHED"}
    bpy.ops.ed.undo_push(message="Paint Texture")
    assert bpy.context.mode == "PAINT_TEXTURE"
    bpy.ops.ed.undo()
    active = bpy.context.view_layer.objects.active
    assert bpy.context.mode == "OBJECT" and active.name == before and active.likeness.is_avatar
    bpy.ops.ed.redo()
    assert bpy.context.mode == "PAINT_TEXTURE" and bpy.context.view_layer.objects.active.likeness.is_avatar_mesh


def test_compositing_is_undone_whole(undoable):
    scenes, trees = len(bpy.data.scenes), len(bpy.data.node_groups)
    assert bpy.ops.likeness.set_up_compositing() == {"FINISHED"}
    bpy.ops.ed.undo_push(message="Composite")
    assert len(bpy.data.scenes) == scenes + 1
    bpy.ops.ed.undo()
    assert (len(bpy.data.scenes), len(bpy.data.node_groups)) == (scenes, trees)
    assert not bpy.context.view_layer.layer_collection.children["Test Person"].indirect_only
    bpy.context.view_layer.objects.active = _avatar()
    assert bpy.ops.likeness.set_up_compositing.poll()
