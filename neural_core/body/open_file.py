"""The compact file of the open body: half precision and sparse, no pickle, 3 MB at most.

One npz; `metadata` is a JSON string with name, licences and provenance. Faces, expressions and pose correctives touch
few vertices, so they are stored as rows of the vertices they move.
"""

import json
import zipfile
import zlib
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from neural_core.body.landmarks import BodyLandmarks
from neural_core.body.model import BodyModel
from neural_core.errors import BodyFileError

FORMAT = "likeness-open-body"
VERSION = 1
UV_STEPS = 65534  # even, so that 1/2 is exact and u and 1 - u stay mirror images; a step is 1/64 texel at 1024
_INFLUENCES = 8
_SMALLEST_ACTION = 5e-6  # metres


def save_body(path: Path, body: BodyModel, metadata: dict[str, Any]) -> None:
    """Write a body; `metadata` is kept as JSON beside format, version and name."""
    assert body.joint_regressor is not None and body.mirror is not None
    shape = body.shape_directions.numpy()
    arrays: dict[str, np.ndarray] = {
        "template": body.template.numpy(),
        "faces": body.faces.numpy().astype(np.uint16),
        "uv": np.round(body.uv.double().numpy() * UV_STEPS).astype(np.uint16),
        "face_uv": body.face_uv.numpy().astype(np.uint16),
        "shape": shape[..., :10].astype(np.float16),
        "mirror": body.mirror.numpy().astype(np.uint16),
        "hands_mean": body.hands_mean.numpy(),
    }
    arrays |= _rows("face_shape", shape[..., 10:])
    arrays |= _rows("expression", body.expression_directions.numpy())
    actions = body.action_directions.numpy().transpose(2, 0, 1)  # each action moves another part of the face
    arrays |= _entries("action", np.where(np.abs(actions) > _SMALLEST_ACTION, actions, 0))
    arrays |= _entries("corrective", body.pose_directions.to_dense().numpy().reshape(-1, 3, 486).transpose(0, 2, 1))
    weights = body.weights.numpy()
    joint = np.argsort(-weights, axis=1, kind="stable")[:, :_INFLUENCES]
    arrays["weight_joint"] = joint.astype(np.uint8)
    arrays["weight_value"] = np.round(np.take_along_axis(weights, joint, 1) * 65535).astype(np.uint16)
    regressor = body.joint_regressor.to_dense().numpy()
    rows, columns = np.nonzero(regressor)
    arrays["regressor_joint"], arrays["regressor_vertex"] = rows.astype(np.uint8), columns.astype(np.uint16)
    arrays["regressor_value"] = regressor[rows, columns].astype(np.float32)
    for field in fields(BodyLandmarks):
        value = getattr(body.landmarks, field.name).numpy()
        arrays[f"landmark_{field.name}"] = value.astype(np.float32 if value.dtype.kind == "f" else np.int32)
    header = {"format": FORMAT, "version": VERSION, "name": body.name, **metadata}
    arrays["metadata"] = np.array(json.dumps(header))
    np.savez_compressed(path, **arrays)  # pyright: ignore[reportArgumentType]


def load_body(path: Path) -> BodyModel:
    """Read a file of `save_body` onto the CPU. Raises BodyFileError."""
    header, a = _read(path)
    V = len(a["template"])
    shape = np.concatenate([a["shape"].astype(np.float32), _from_rows(a, "face_shape", V)], axis=2)
    weights = np.zeros((V, 55), np.float32)
    value = a["weight_value"].astype(np.float32)
    np.put_along_axis(weights, a["weight_joint"].astype(np.int64), value / value.sum(1, keepdims=True), 1)
    where = torch.from_numpy(np.stack([a["regressor_joint"], a["regressor_vertex"]]).astype(np.int64))
    regressor = torch.sparse_coo_tensor(
        where, torch.from_numpy(a["regressor_value"]), (55, V), check_invariants=True
    ).coalesce()
    landmarks = {f.name: _tensor(a[f"landmark_{f.name}"]) for f in fields(BodyLandmarks)}
    return BodyModel.with_regressor(
        regressor,
        name=header["name"],
        template=_tensor(a["template"]),
        faces=_tensor(a["faces"]),
        uv=torch.from_numpy(a["uv"].astype(np.float32) / UV_STEPS),
        face_uv=_tensor(a["face_uv"]),
        shape_directions=torch.from_numpy(shape),
        expression_directions=torch.from_numpy(_from_rows(a, "expression", V)),
        action_directions=_actions(a, V),
        pose_directions=_correctives(a, V),
        weights=torch.from_numpy(weights),
        mirror=_tensor(a["mirror"]),
        landmarks=BodyLandmarks(**landmarks),
        hands_mean=_tensor(a["hands_mean"]),
    )


def _read(path: Path) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        header = json.loads(str(arrays["metadata"]))
        known = header["format"] == FORMAT and header["version"] == VERSION
    except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise BodyFileError(f"The body file {path} is missing or damaged; reinstall Likeness.") from error
    if not known:
        raise BodyFileError(f"The body file {path} belongs to another version of Likeness; reinstall it.")
    return header, arrays


def _tensor(array: np.ndarray) -> Tensor:
    return torch.from_numpy(array.astype(np.float32 if array.dtype.kind == "f" else np.int64))


def _rows(name: str, directions: np.ndarray) -> dict[str, np.ndarray]:
    """Directions (V, 3, K) of the vertices that move at all."""
    moved = np.where(np.abs(directions).max((1, 2)) > 0)[0]
    return {f"{name}_vertex": moved.astype(np.uint16), f"{name}_value": directions[moved].astype(np.float16)}


def _from_rows(a: dict[str, np.ndarray], name: str, V: int) -> np.ndarray:
    value = a[f"{name}_value"].astype(np.float32)
    out = np.zeros((V, *value.shape[1:]), np.float32)
    out[a[f"{name}_vertex"]] = value
    return out


def _entries(name: str, field: np.ndarray) -> dict[str, np.ndarray]:
    """Non-zero vectors of a field (A, B, 3) with their two indices."""
    first, second = np.nonzero(np.abs(field).max(2) > 0)
    return {
        f"{name}_first": first.astype(np.uint16),
        f"{name}_second": second.astype(np.uint16),
        f"{name}_value": field[first, second].astype(np.float16),
    }


def _actions(a: dict[str, np.ndarray], V: int) -> Tensor:
    out = np.zeros((V, 52, 3), np.float32)
    out[a["action_second"], a["action_first"]] = a["action_value"]
    return torch.from_numpy(out).transpose(1, 2).contiguous()


def _correctives(a: dict[str, np.ndarray], V: int) -> Tensor:
    """(3 V, 486) sparse."""
    vertex, feature = (a[f"corrective_{k}"].astype(np.int64) for k in ("first", "second"))
    rows = (vertex[:, None] * 3 + np.arange(3)).reshape(-1)
    where = torch.from_numpy(np.stack([rows, np.repeat(feature, 3)]))
    value = torch.from_numpy(a["corrective_value"].astype(np.float32).reshape(-1))
    return torch.sparse_coo_tensor(where, value, (3 * V, 486), check_invariants=True).coalesce()
