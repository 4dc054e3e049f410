"""Enabled and disabled twice, the add-on leaves nothing behind."""

import gc
import subprocess
import sys
from pathlib import Path

import bpy

import blender_addon

_HANDLERS = [name for name in dir(bpy.app.handlers) if isinstance(getattr(bpy.app.handlers, name), list)]
_OWNERS = ("Object", "Scene", "WindowManager", "Armature", "Mesh", "Material", "Image", "Camera", "Bone", "PoseBone")


def traces() -> dict[str, object]:
    """Everything an add-on can leave in Blender, as far as Python can see it."""
    keys = bpy.context.window_manager.keyconfigs.addon
    drawn = {}
    for name in dir(bpy.types):
        draw = getattr(getattr(bpy.types, name, None), "draw", None)
        functions = getattr(draw, "_draw_funcs", None)
        if functions:
            drawn[name] = sorted(f"{function.__module__}.{function.__name__}" for function in functions)
    return {
        "classes": sorted(name for name in dir(bpy.types) if "likeness" in name.lower()),
        "subclasses": sorted(k.__name__ for k in bpy.types.Operator.__subclasses__() if k.is_registered),
        "operators": dir(bpy.ops.likeness),
        "handlers": {n: [h.__name__ for h in getattr(bpy.app.handlers, n)] for n in _HANDLERS},
        "properties": {o: sorted(p for p in dir(getattr(bpy.types, o)) if "likeness" in p.lower()) for o in _OWNERS},
        "menus": drawn,
        "keymaps": {m.name: len(m.keymap_items) for m in keys.keymaps if len(m.keymap_items)} if keys else {},
        "panels": sorted(
            p.__name__ for p in bpy.types.Panel.__subclasses__() if "LIKENESS" in getattr(p, "COMPAT_ENGINES", ())
        ),
    }


def test_enabled_twice_nothing_is_left():
    bpy.ops.wm.read_factory_settings(use_empty=True)
    gc.collect()
    before = traces()
    for _ in range(2):
        blender_addon.register()
        during = traces()
        blender_addon.unregister()
    gc.collect()
    after = traces()
    assert during["classes"] and during["properties"] != before["properties"] and during["menus"] != before["menus"]
    for name in before:
        assert after[name] == before[name], name


def test_no_timer_is_left(blender):
    from blender_addon.install import watch

    watch.watch()
    assert bpy.app.timers.is_registered(watch._look)
    watch.unregister()
    assert not bpy.app.timers.is_registered(watch._look)
    watch.register()  # the fixture unregisters once more


def test_every_module_that_registers_is_listed():
    """A module with `register` that nobody calls would be dead code."""
    names = {module.__name__ for module in blender_addon._modules}
    assert {
        "blender_addon.rig.handlers",
        "blender_addon.trouble.panel",
        "blender_addon.install.watch",
        "blender_addon.translations",
    } <= names


_ENABLE = """
import sys
import bpy
for name in (
    "numpy", "subprocess", "multiprocessing", "ctypes", "ssl", "socket", "urllib.request", "tempfile", "zipfile",
    "hashlib", "traceback",
):
    sys.modules[name] = None  # whoever imports it fails from now on
import blender_addon
blender_addon.register()
blender_addon.unregister()
print(*(name for name in sys.modules if name.startswith("neural_core")))
"""


def test_enabling_imports_nothing_heavy():
    """As docs/design_rules.md has it; in a Blender of its own, because tests import all there is."""
    root = Path(blender_addon.__file__).parents[1]
    done = subprocess.run([sys.executable, "-c", _ENABLE], capture_output=True, text=True, check=False, cwd=root)
    assert done.returncode == 0, done.stderr
    assert set(done.stdout.split()) == {"neural_core", "neural_core.errors"}
