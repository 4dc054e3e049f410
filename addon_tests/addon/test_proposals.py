"""The gallery of completions: remembered on the avatar, drawn, chosen, undone."""

import json
from pathlib import Path

import bpy
import numpy as np
import pytest
from avatars import describe_arrays

from blender_addon.avatar_files import avatar_file
from blender_addon.backend import client
from blender_addon.operators import proposals
from blender_addon.rig.painting import avatar_image, image_bytes


class Answered:
    """A job that is done."""

    def __init__(self, answer):
        self.answer = answer

    def done(self) -> bool:
        return True

    def result(self):
        return self.answer

    def cancel(self) -> None:
        pass


@pytest.fixture
def chosen_from(blender, avatar, tmp_path, monkeypatch):
    """An avatar with three proposals; the backend's textures are red, green and blue."""
    paths = [str(tmp_path / name) for name in ("me.likeness", "me-2.likeness", "me-3.likeness")]
    asked = []

    def start(op, body, arrays=None):
        asked.append((op, body))
        if op == "draw_proposals":
            pictures = {f"picture_{i}": np.full((8, 4, 4), 50 * i, np.uint8) for i in range(len(body["paths"]))}
            return Answered(({}, pictures))
        information, described = describe_arrays()
        texture = np.zeros_like(described["texture"])
        texture[..., 3] = 255
        texture[..., paths.index(body["path"])] = 255
        return Answered((information, {**described, "texture": texture}))

    monkeypatch.setattr(client, "start", start)
    for path in paths:
        Path(path).touch()
    for thing in (avatar.armature, avatar.mesh):
        thing.likeness.avatar_path = paths[0]
    proposals.remember(avatar, paths)
    bpy.context.view_layer.objects.active = avatar.armature
    return avatar, paths, asked


def test_one_completion_is_no_choice(blender, avatar):
    proposals.remember(avatar, ["/somewhere/me.likeness"])
    bpy.context.view_layer.objects.active = avatar.armature
    assert proposals.proposals_of(avatar.armature) == []
    assert not bpy.ops.likeness.choose_proposal.poll() and not bpy.ops.likeness.show_proposals.poll()


def test_names_alone_are_kept_so_that_files_can_move(chosen_from):
    avatar, paths, _ = chosen_from
    assert json.loads(avatar.mesh.likeness.proposals) == [Path(path).name for path in paths]
    assert proposals.proposals_of(avatar.armature) == paths
    avatar.armature.likeness.proposals = '["../../etc/passwd", 3]'
    assert proposals.proposals_of(avatar.armature) == [str(Path(paths[0]).parent / "passwd")]
    avatar.armature.likeness.proposals = "{"
    assert proposals.proposals_of(avatar.armature) == []


def test_choosing_takes_texture_and_file(chosen_from):
    avatar, paths, _ = chosen_from
    bpy.ops.ed.undo_push(message="before")
    assert bpy.ops.likeness.choose_proposal("EXEC_DEFAULT", index=1) == {"FINISHED"}
    image = avatar_image(avatar.mesh)
    assert image is not None and not image.is_dirty
    assert (image_bytes(image) == (0, 255, 0)).all()
    assert avatar_file(avatar.mesh) == avatar_file(avatar.armature) == paths[1]
    bpy.ops.ed.undo()
    armature = next(o for o in bpy.data.objects if o.likeness.is_avatar)
    (mesh,) = (child for child in armature.children if child.likeness.is_avatar_mesh)
    before = avatar_image(mesh)
    assert before is not None and not (image_bytes(before) == (0, 255, 0)).all()
    assert avatar_file(armature) == paths[0] and proposals.proposals_of(armature) == paths


def test_a_missing_file_is_a_sentence_and_changes_nothing(chosen_from):
    avatar, paths, _ = chosen_from
    Path(paths[2]).unlink()
    with pytest.raises(RuntimeError, match="put it back"):
        bpy.ops.likeness.choose_proposal("EXEC_DEFAULT", index=2)
    assert avatar_file(avatar.mesh) == paths[0]


def test_pictures_are_drawn_once(chosen_from):
    _, paths, asked = chosen_from
    assert bpy.ops.likeness.show_proposals("EXEC_DEFAULT") == {"FINISHED"}
    assert bpy.ops.likeness.show_proposals("EXEC_DEFAULT") == {"FINISHED"}
    assert asked == [("draw_proposals", {"paths": paths})]
