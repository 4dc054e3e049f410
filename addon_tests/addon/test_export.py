"""Exports open elsewhere with the same surface, and leave the user's scene as it was."""

import bpy
import numpy as np
import pytest
import trimesh
from avatars import blender_vertices, describe, in_skirt
from scipy.spatial import cKDTree

from blender_addon.datablocks import all_datablocks
from blender_addon.export.shape import principal_morphs
from blender_addon.export.skin import LimitedSkin
from blender_addon.rig.build import build_avatar
from neural_core.animation import WALK

TOLERANCE = 1e-3  # metres, the promise


@pytest.fixture
def selected(avatar):
    """The avatar, active, in the random pose it was built in."""
    bpy.context.view_layer.objects.active = avatar.armature
    return avatar


def everything() -> dict:
    return {block.session_uid: block.name for block in all_datablocks().values()}


def situation() -> tuple:
    active = bpy.context.view_layer.objects.active
    selected = sorted(o.name for o in bpy.context.selected_objects)
    scene = bpy.context.scene
    return everything(), active.name, active.mode, selected, scene.name, scene.frame_current, bpy.context.mode


def reimport(path):
    """(armature, mesh) of an exported file in a fresh Blender."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    bpy.context.scene.render.fps = 24
    if path.suffix == ".glb":
        bpy.ops.import_scene.gltf(filepath=str(path))
    else:
        bpy.ops.import_scene.fbx(filepath=str(path), anim_offset=0.0)
    armature = next(o for o in bpy.context.scene.objects if o.type == "ARMATURE")
    mesh = next(o for o in bpy.context.scene.objects if o.type == "MESH" and o.vertex_groups)
    return armature, mesh


def distance(a: np.ndarray, b: np.ndarray) -> float:
    """Largest distance from a vertex of one to the nearest of the other, both ways (seams split vertices)."""
    return max(cKDTree(a).query(b)[0].max(), cKDTree(b).query(a)[0].max())


def weight_sums(mesh) -> np.ndarray:
    return np.array([sum(g.weight for g in v.groups) for v in mesh.data.vertices])


@pytest.mark.slow
@pytest.mark.parametrize("suffix", [".glb", ".fbx"])
def test_a_posed_avatar_survives_the_round_trip(selected, tmp_path, suffix):
    posed, path = blender_vertices(selected.mesh), tmp_path / f"person{suffix}"
    before = situation()
    assert bpy.ops.likeness.export_avatar(filepath=str(path)) == {"FINISHED"}
    assert situation() == before and [p.name for p in tmp_path.iterdir()] == [path.name]
    armature, mesh = reimport(path)
    assert armature.name == "Test Person" and len(armature.data.bones) == 55
    assert distance(blender_vertices(mesh), posed) < TOLERANCE
    assert np.abs(weight_sums(mesh) - 1).max() < 1e-5
    assert max(len(v.groups) for v in mesh.data.vertices) <= 4
    image = next(n.image for n in mesh.data.materials[0].node_tree.nodes if n.type == "TEX_IMAGE")
    assert tuple(image.size) == (1024, 1024)
    names = [key.name for key in mesh.data.shape_keys.key_blocks]
    assert "Clothed" not in names and "Correctives" in names and "Expression 00" in names


def test_glb_opens_in_trimesh(selected, tmp_path):
    bpy.ops.likeness.export_avatar(filepath=str(tmp_path / "a.glb"), expressions=False)
    scene = trimesh.load(tmp_path / "a.glb")
    (geometry,) = scene.geometry.values()
    assert len(geometry.faces) == len(selected.mesh.data.polygons)
    assert geometry.visual.material.baseColorTexture.size == (1024, 1024)
    assert geometry.visual.uv.shape == (len(geometry.vertices), 2)


@pytest.mark.slow
@pytest.mark.parametrize("clothes", ["body", "skirt"])
@pytest.mark.parametrize("suffix", [".glb", ".fbx"])
def test_an_animation_survives_with_its_correctives(blender, tmp_path, suffix, clothes):
    """A skirt's correctives are centimetres, and go both ways."""
    selected = build_avatar(describe(body=in_skirt() if clothes == "skirt" else None), blender.context)
    bpy.context.view_layer.objects.active = selected.armature
    bpy.ops.likeness.import_motion(filepath=str(WALK))
    scene = bpy.context.scene
    expected = {}
    for frame in (1, 9, 24):
        scene.frame_set(frame)
        expected[frame] = blender_vertices(selected.mesh)
    scene.frame_set(5)
    before = situation()
    bpy.ops.likeness.export_avatar(filepath=str(tmp_path / f"walk{suffix}"))
    assert situation() == before
    _, mesh = reimport(tmp_path / f"walk{suffix}")
    for frame, vertices in expected.items():
        bpy.context.scene.frame_set(frame)
        assert distance(blender_vertices(mesh), vertices) < TOLERANCE, frame


def test_plain_export_has_neither_morphs_nor_animation(selected, tmp_path):
    bpy.ops.likeness.import_motion(filepath=str(WALK))
    bpy.ops.likeness.export_avatar(
        filepath=str(tmp_path / "a.glb"), animation=False, correctives=False, expressions=False
    )
    _, mesh = reimport(tmp_path / "a.glb")
    assert not bpy.data.actions
    assert mesh.data.shape_keys is None


def test_exporting_from_pose_mode_comes_back_to_it(selected, tmp_path):
    bpy.ops.object.mode_set(mode="POSE")
    before = situation()
    bpy.ops.likeness.export_avatar(filepath=str(tmp_path / "a.glb"), expressions=False)
    assert situation() == before and before[-1] == "POSE"


def test_a_moved_and_parented_avatar_exports_where_it_stands(selected, tmp_path):
    parent = bpy.data.objects.new("Parent", None)
    bpy.context.scene.collection.objects.link(parent)
    parent.location, parent.rotation_euler = (1, 2, 3), (0, 0, 1)
    selected.armature.parent = parent
    bpy.context.view_layer.update()
    posed = blender_vertices(selected.mesh)
    bpy.ops.likeness.export_avatar(filepath=str(tmp_path / "a.glb"), expressions=False)
    _, mesh = reimport(tmp_path / "a.glb")
    assert distance(blender_vertices(mesh), posed) < TOLERANCE


@pytest.mark.parametrize(("name", "sentence"), [("a.stl", "end it with"), ("folder.glb", "is a folder")])
def test_bad_names_are_refused(selected, tmp_path, name, sentence):
    (tmp_path / "folder.glb").mkdir()
    before = situation()
    with pytest.raises(RuntimeError, match=sentence):
        bpy.ops.likeness.export_avatar(filepath=str(tmp_path / name))
    assert situation() == before


def test_a_failing_exporter_leaves_the_old_file_and_the_scene(selected, tmp_path, monkeypatch):
    path = tmp_path / "a.glb"
    path.write_bytes(b"the old one")
    before = situation()

    def full(*given, **named):
        given[0].write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("blender_addon.export.avatar.write_glb", full)
    with pytest.raises(RuntimeError, match="No space left"):
        bpy.ops.likeness.export_avatar(filepath=str(path))
    assert situation() == before
    assert path.read_bytes() == b"the old one" and list(tmp_path.iterdir()) == [path]


def test_principal_morphs_reproduce_within_the_tolerance():
    random = np.random.default_rng(0)
    offsets = random.normal(size=(30, 4)) @ random.normal(size=(4, 600)) * 0.01
    targets, weights, deviation = principal_morphs(offsets, 32, 1e-6)
    assert 4 <= len(targets) <= 8 and deviation <= 1e-6
    assert weights.min() >= 0 and weights.max() <= 1 + 1e-12
    assert np.abs(weights @ targets - offsets).max() <= 1e-6
    targets, weights, deviation = principal_morphs(np.zeros((5, 12)), 32, 1e-6)
    assert targets.shape == (0, 12) and weights.shape == (5, 0) and deviation == 0


def test_cut_weights_pose_the_corrected_rest_the_same(selected):
    """The defining equation M' x' = M x, on vertices that had more than four joints."""
    mesh = selected.mesh.copy()
    mesh.data = selected.mesh.data.copy()
    armature = selected.armature.evaluated_get(bpy.context.evaluated_depsgraph_get())
    skin = LimitedSkin.of(mesh, selected.armature, 4)
    assert len(skin.changed) and np.allclose(skin.limited.sum(1), 1)
    assert (skin.limited > 0).sum(1).max() <= 4
    rest = np.array([v.co for v in mesh.data.vertices])
    motion = np.stack([LimitedSkin._motion(armature, name) for name in skin.bones])

    def posed(weights, x):
        blended = np.einsum("vj,jrc->vrc", weights, motion)
        return np.einsum("vrc,vc->vr", blended, np.concatenate([x, np.ones((len(x), 1))], 1))[:, :3]

    assert np.abs(posed(skin.full, rest) - posed(skin.limited, rest)).max() > 1e-4  # cutting does cost
    assert np.abs(posed(skin.full, rest) - posed(skin.limited, skin.corrected(rest, armature))).max() < 1e-6


@pytest.mark.parametrize("suffix", [".obj", ".usdz", ".abc"])
def test_formats_without_bones_hold_the_posed_surface(selected, tmp_path, suffix):
    selected.armature.location = (0.5, -1.0, 0.2)
    bpy.context.view_layer.update()
    posed, path, before = blender_vertices(selected.mesh), tmp_path / f"person{suffix}", situation()
    assert bpy.ops.likeness.export_avatar(filepath=str(path)) == {"FINISHED"}
    assert situation() == before
    beside = {"person.obj", "person.mtl", "person.png"} if suffix == ".obj" else {path.name}
    assert {p.name for p in tmp_path.iterdir()} == beside
    bpy.ops.wm.read_factory_settings(use_empty=True)
    importers = {".obj": bpy.ops.wm.obj_import, ".usdz": bpy.ops.wm.usd_import, ".abc": bpy.ops.wm.alembic_import}
    importers[suffix](filepath=str(path))
    mesh = next(o for o in bpy.context.scene.objects if o.type == "MESH")
    assert distance(blender_vertices(mesh), posed) < TOLERANCE
    assert len(mesh.data.uv_layers) == 1
    if suffix == ".obj":
        picture = next(n.image for n in mesh.data.materials[0].node_tree.nodes if n.type == "TEX_IMAGE")
        assert picture.filepath.endswith("person.png") and tuple(picture.size) == (1024, 1024)


@pytest.mark.parametrize("suffix", [".usdz", ".abc"])
def test_surfaces_move(selected, tmp_path, suffix):
    bpy.ops.likeness.import_motion(filepath=str(WALK))
    scene = bpy.context.scene
    scene.frame_end = 6
    scene.frame_set(5)
    expected = blender_vertices(selected.mesh)
    bpy.ops.likeness.export_avatar(filepath=str(tmp_path / f"walk{suffix}"))
    fps = scene.render.fps
    bpy.ops.wm.read_factory_settings(use_empty=True)
    bpy.context.scene.render.fps = fps
    importer = {".usdz": bpy.ops.wm.usd_import, ".abc": bpy.ops.wm.alembic_import}[suffix]
    importer(filepath=str(tmp_path / f"walk{suffix}"))
    bpy.context.scene.frame_set(5)
    mesh = next(o for o in bpy.context.scene.objects if o.type == "MESH")
    assert distance(blender_vertices(mesh), expected) < TOLERANCE


@pytest.mark.parametrize(
    ("preset", "suffix", "size"),
    [("UNITY", ".fbx", 2048), ("UNREAL", ".fbx", 4096), ("GODOT", ".glb", 2048), ("WEB", ".glb", 1024)],
)
def test_presets(selected, tmp_path, preset, suffix, size):
    posed = blender_vertices(selected.mesh)
    bpy.ops.likeness.export_avatar(filepath=str(tmp_path / "person.xyz"), preset=preset)
    path = tmp_path / f"person{suffix}"
    armature, mesh = reimport(path)
    assert distance(blender_vertices(mesh), posed) < TOLERANCE and len(armature.data.bones) == 55
    image = next(n.image for n in mesh.data.materials[0].node_tree.nodes if n.type == "TEX_IMAGE")
    assert tuple(image.size) == (size, size)
    names = [key.name for key in mesh.data.shape_keys.key_blocks]
    assert ("Expression 00" in names) == (preset != "WEB") and "Correctives" in names
    if preset == "WEB":
        assert image.file_format == "JPEG"


def test_unsaved_paint_is_exported_and_stays_unsaved(selected, tmp_path):
    image = next(n.image for n in selected.mesh.data.materials[0].node_tree.nodes if n.type == "TEX_IMAGE")
    image.pixels.foreach_set(np.tile(np.float32([0.0, 0.0, 1.0, 1.0]), len(image.pixels) // 4))
    bpy.ops.likeness.export_avatar(filepath=str(tmp_path / "blue.obj"), texture_size="2K")
    assert image.is_dirty and tuple(image.pixels[:4]) == (0.0, 0.0, 1.0, 1.0)
    written = bpy.data.images.load(str(tmp_path / "blue.png"))
    assert tuple(written.size) == (2048, 2048) and np.allclose(written.pixels[:4], (0, 0, 1, 1), atol=0.01)


def test_formats_that_this_blender_lacks_are_a_sentence(selected, tmp_path, monkeypatch):
    monkeypatch.setattr("blender_addon.export.avatar.missing", lambda suffix: suffix == ".abc")
    with pytest.raises(RuntimeError, match="built without ABC"):
        bpy.ops.likeness.export_avatar(filepath=str(tmp_path / "a.abc"))
