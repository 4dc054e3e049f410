"""What the engine adds to Blender is there while registered, and gone afterwards."""

import bpy
import pytest

import blender_addon
from addon_tests.addon.engine_scene import add_plane, set_up
from blender_addon.engine import panels


def _shared() -> set[str]:
    return {p.__name__ for p in bpy.types.Panel.__subclasses__() if "LIKENESS" in getattr(p, "COMPAT_ENGINES", ())}


def test_twice_enabled_and_disabled_leaves_nothing():
    bpy.ops.wm.read_factory_settings(use_empty=True)
    for _ in range(2):
        blender_addon.register()
        names = _shared()
        assert {"RENDER_PT_color_management", "RENDER_PT_format", "DATA_PT_lens", "LIKENESS_PT_passes"} <= names
        assert not any("freestyle" in name.lower() for name in names)
        bpy.context.scene.render.engine = "LIKENESS"
        blender_addon.unregister()
        assert not {name for name in _shared() if not name.startswith("LIKENESS")}
        assert not hasattr(bpy.types, "LIKENESS_PT_passes")
        with pytest.raises(TypeError):
            bpy.context.scene.render.engine = "LIKENESS"


def test_the_compositor_sees_the_passes(blender):
    """Depth only where the view layer asks for it."""
    registered = []

    class Recorder:
        def register_pass(self, scene, layer, name, channels, ids, kind):
            assert channels == len(ids)
            registered.append(name)

    from blender_addon.engine.passes import register_passes

    layer = blender.context.view_layer
    layer.use_pass_z = False
    register_passes(Recorder(), blender.context.scene, layer)
    assert registered == ["Combined", "Mask"]
    layer.use_pass_z = True
    register_passes(Recorder(), blender.context.scene, layer)
    assert registered[2:] == ["Combined", "Depth", "Mask"]


def test_panels_draw_only_for_this_engine(blender):
    for panel in panels.classes:
        assert not panel.poll(blender.context)
    blender.context.scene.render.engine = "LIKENESS"
    for panel in panels.classes:
        assert panel.poll(blender.context)


@pytest.mark.parametrize("name, words", [("use_multiview", "turn off Stereoscopy")])
def test_settings_it_does_not_have_are_sentences(blender, name, words):
    set_up()
    add_plane(0.0)
    setattr(blender.context.scene.render, name, True)
    with pytest.raises(RuntimeError, match=words):
        bpy.ops.render.render()
