"""SMPL-X files: ours as the smplx package reads it, the user's as we read it, and hostile ones."""

import collections
import dataclasses
import os
import pickle
import sys
import types

import numpy as np
import pytest
import torch

from neural_core.body import BodyParameters, load_open_body
from neural_core.body.licensed import LANDMARKS_51, export_smplx_npz, load_smplx
from neural_core.body.restricted_pickle import read_arrays
from neural_core.errors import BodyFileError


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    path = tmp_path_factory.mktemp("smplx") / "SMPLX_NEUTRAL.npz"
    export_smplx_npz(load_open_body(), path)
    return path


@pytest.fixture(scope="module")
def arrays(exported):
    with np.load(exported) as file:
        return {name: file[name] for name in file.files}


def _random_parameters():
    generator = torch.Generator().manual_seed(0)

    def normal(*shape, scale):
        return scale * torch.randn(*shape, generator=generator)

    plain = BodyParameters.zeros(
        3,
        betas=normal(3, 20, scale=1.0),
        expression=normal(3, 10, scale=1.0),
        actions=torch.rand(3, 52, generator=generator),
        transl=normal(3, 3, scale=1.0),
    )
    return plain.with_full_pose(normal(3, 55, 3, scale=0.3))


@pytest.mark.slow
def test_agrees_with_the_smplx_package(exported):
    smplx = pytest.importorskip("smplx")
    body, p = load_open_body(), _random_parameters()
    body, p = _in_double(body), BodyParameters(**{k: v.double() for k, v in p.to_tensors().items()})
    theirs = smplx.create(
        str(exported), model_type="smplx", ext="npz", num_betas=20, num_expression_coeffs=62, use_pca=False,
        flat_hand_mean=True, batch_size=3, dtype=torch.float64,
    )  # fmt: skip
    with torch.no_grad():
        expected = theirs(
            betas=p.betas,
            expression=torch.cat([p.expression, p.actions], 1),
            global_orient=p.global_orient,
            body_pose=p.body_pose.flatten(1),
            jaw_pose=p.jaw_pose,
            leye_pose=p.left_eye_pose,
            reye_pose=p.right_eye_pose,
            left_hand_pose=p.left_hand_pose.flatten(1),
            right_hand_pose=p.right_hand_pose.flatten(1),
            transl=p.transl,
        )
        ours = body(p)
    assert (ours.vertices - expected.vertices).norm(dim=-1).max() < 1e-6
    assert (ours.joints - expected.joints[:, :55]).norm(dim=-1).max() < 1e-6


def _in_double(body):
    """The same numbers in float64, so that a millionth of a metre is not rounding."""
    tensors = {f.name: getattr(body, f.name) for f in dataclasses.fields(body)}
    return dataclasses.replace(
        body, **{k: v.double() for k, v in tensors.items() if isinstance(v, torch.Tensor) and v.is_floating_point()}
    )


def test_reading_the_export_gives_the_same_body(exported):
    ours, read = load_open_body(), load_smplx(exported)
    p = _random_parameters()
    p = BodyParameters.from_tensors({**p.to_tensors(), "actions": torch.zeros(3, 52)})  # SMPL-X has no actions
    assert (ours(p).vertices - read(p).vertices).abs().max() < 2e-6
    assert torch.equal(ours.uv, read.uv) and torch.equal(ours.face_uv, read.face_uv)
    known = list(LANDMARKS_51)
    assert torch.equal(read.landmarks.face_triangle[known], ours.landmarks.face_triangle[known])
    assert int((read.landmarks.face_triangle >= 0).sum()) == 51
    assert read.mirror is None and read.name == "licensed:SMPLX_NEUTRAL"


def test_plain_pickle_is_read(arrays, tmp_path):
    path = tmp_path / "SMPLX_MALE.pkl"
    small = {k: v for k, v in arrays.items() if not k.startswith("dynamic")}
    path.write_bytes(pickle.dumps(small, protocol=2))
    assert torch.equal(load_smplx(path).template, load_open_body().template)


def test_pickled_sparse_matrix_and_chumpy_array_are_read(monkeypatch):
    scipy_sparse = pytest.importorskip("scipy.sparse")
    dense = np.arange(12.0).reshape(3, 4) * (np.arange(12).reshape(3, 4) % 2)
    chumpy = types.ModuleType("chumpy")
    chumpy_ch = types.ModuleType("chumpy.ch")

    class Ch:
        def __init__(self, x):
            self.x = x

    Ch.__module__, Ch.__qualname__ = "chumpy.ch", "Ch"
    chumpy_ch.Ch = Ch
    monkeypatch.setitem(sys.modules, "chumpy", chumpy)
    monkeypatch.setitem(sys.modules, "chumpy.ch", chumpy_ch)
    matrices = {"J": scipy_sparse.csc_matrix(dense), "K": scipy_sparse.csr_matrix(dense)}
    content = {**matrices, "w": Ch(np.ones(3)), "s": "text"}
    for protocol in (2, 4):
        read = read_arrays(pickle.dumps(content, protocol=protocol), "f")
        assert np.array_equal(read["J"], dense) and np.array_equal(read["K"], dense)
        assert np.array_equal(read["w"], np.ones(3)) and set(read) == {"J", "K", "w"}


class _RunsCommand:
    def __init__(self, command):
        self.command = command

    def __reduce__(self):
        return os.system, (self.command,)


class _Evaluates:
    def __reduce__(self):
        return eval, ("__import__('pathlib').Path('owned').write_text('x')",)


@pytest.mark.parametrize("protocol", [0, 2, 4])
def test_hostile_pickle_runs_nothing(tmp_path, monkeypatch, protocol):
    monkeypatch.chdir(tmp_path)
    for attack in (_RunsCommand("touch owned"), _Evaluates(), collections.OrderedDict(a=_RunsCommand("touch owned"))):
        path = tmp_path / "SMPLX_NEUTRAL.pkl"
        path.write_bytes(pickle.dumps({"v_template": attack}, protocol=protocol))
        with pytest.raises(BodyFileError, match="not a plain SMPL-X pickle"):
            load_smplx(path)
    assert not (tmp_path / "owned").exists()


@pytest.mark.parametrize(
    "module, name",
    [("numpy", "load"), ("builtins", "getattr"), ("numpy.core.multiarray", "fromfile"), ("scipy.sparse", "load_npz")],
)
def test_only_listed_names_are_found(module, name, tmp_path):
    hostile = b"c" + f"{module}\n{name}\n".encode() + b"(S'x'\ntR."
    with pytest.raises(BodyFileError, match="wants to run"):
        read_arrays(hostile, "f")


def test_npz_with_a_pickled_object_is_refused(arrays, tmp_path):
    path = tmp_path / "SMPLX_NEUTRAL.npz"
    np.savez(path, v_template=np.array([_RunsCommand("touch owned")], dtype=object))
    with pytest.raises(BodyFileError):
        load_smplx(path)


@pytest.mark.parametrize("kind", ["absent", "empty", "text", "smpl", "other tree", "no key", "bad face", "nan"])
def test_wrong_file_gets_one_sentence(kind, arrays, tmp_path):
    path = tmp_path / "SMPLX_NEUTRAL.npz"
    if kind == "empty":
        path.write_bytes(b"")
    elif kind == "text":
        path.write_text("not a model")
    elif kind != "absent":
        content = {k: v.copy() for k, v in arrays.items() if not k.startswith(("dynamic", "hands"))}
        if kind == "smpl":
            content["weights"] = content["weights"][:, :24]
        elif kind == "other tree":
            content["kintree_table"][0, 5] = 3
        elif kind == "no key":
            del content["posedirs"]
        elif kind == "bad face":
            content["f"][0, 0] = 10**6
        else:
            content["v_template"][0, 0] = np.nan
        content["posedirs"] = content.get("posedirs", np.zeros(1))[:]
        if kind == "no key":
            del content["posedirs"]
        np.savez(path, **content)
    with pytest.raises(BodyFileError) as error:
        load_smplx(path)
    assert str(error.value).count(". ") == 0 and str(path) in str(error.value)


def test_uv_comes_from_an_obj_beside_the_model(arrays, tmp_path):
    body = load_open_body()
    path, obj = tmp_path / "SMPLX_FEMALE.npz", tmp_path / "smplx_uv.obj"
    np.savez(path, **{k: v for k, v in arrays.items() if k not in ("vt", "ft") and not k.startswith("dynamic")})
    with pytest.raises(BodyFileError, match="UV"):
        load_smplx(path)
    lines = [f"vt {u:.6f} {v:.6f}" for u, v in body.uv.tolist()]
    corners = zip(body.faces.tolist(), body.face_uv.tolist(), strict=True)
    lines += ["f " + " ".join(f"{a + 1}/{b + 1}" for a, b in zip(f, t, strict=True)) for f, t in corners]
    obj.write_text("\n".join(lines))
    read = load_smplx(path, obj)
    assert (read.uv - body.uv).abs().max() < 1e-5 and torch.equal(read.face_uv, body.face_uv)
    obj.write_text("vt 0 0\nf 1/1 2/1 3/1\n")
    with pytest.raises(BodyFileError, match="another mesh"):
        load_smplx(path, obj)
