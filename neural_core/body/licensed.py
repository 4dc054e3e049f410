"""The user's own licensed SMPL-X file as a body, and the open body in SMPL-X's file layout.

SMPL-X is licensed by the Max Planck Society for non-commercial use; nothing of it is contained here. The file layout is
that of the published model files: v_template, shapedirs, posedirs, J_regressor, weights, f, kintree_table.
"""

import zipfile
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from neural_core.body.landmarks import BodyLandmarks
from neural_core.body.model import BodyModel
from neural_core.body.open_body import load_open_body
from neural_core.body.parameters import NUM_ACTIONS, NUM_BETAS, NUM_EXPRESSION
from neural_core.body.restricted_pickle import read_arrays
from neural_core.body.skeleton import PARENTS
from neural_core.errors import BodyFileError

_LARGEST_FILE = 2 * 2**30  # bytes; SMPL-X files have 110 to 540 MB
_FIRST_EXPRESSION = 300  # column of shapedirs in files with 400 of them; shorter ones have 10 + 10
_NEEDED = {
    "v_template": 2, "f": 2, "shapedirs": 3, "posedirs": 3, "J_regressor": 2, "weights": 2, "kintree_table": 2,
}  # fmt: skip
# MediaPipe's ids of the 51 inner landmarks of the 68-point scheme, in the order of lmk_faces_idx.
LANDMARKS_51 = (
    70, 63, 105, 66, 107, 336, 296, 334, 293, 300, 168, 197, 5, 4, 75, 97, 2, 326, 305, 33, 160, 158, 133, 153, 144,
    362, 385, 387, 263, 373, 380, 61, 39, 37, 0, 267, 269, 291, 405, 314, 17, 84, 181, 78, 82, 13, 312, 308, 317, 14,
    87,
)  # fmt: skip
_TIPS = ((5361, 4933, 5058, 5169, 5286), (8079, 7669, 7794, 7905, 8022))  # SMPL-X vertices: thumb ... pinky


def load_smplx(path: Path, uv_path: Path | None = None) -> BodyModel:
    """Read SMPLX_{NEUTRAL,MALE,FEMALE}.npz or .pkl. BlazePose offsets are those calibrated on the open body.

    Args:
        path: the user's file. Pickles are read without running anything in them.
        uv_path: an npz with `vt` (T, 2) and `ft` (F, 3), or SMPL-X's UV template .obj. Not needed when the model file
            itself has both.

    Raises:
        BodyFileError: the file is missing, damaged, hostile, or another model.
    """
    arrays = _read(path)
    _check(arrays, path)
    V = len(arrays["v_template"])
    uv, face_uv = _uv(arrays, path, uv_path)
    shape, expression = _directions(arrays["shapedirs"])
    regressor = torch.from_numpy(arrays["J_regressor"].astype(np.float32)).to_sparse_coo().coalesce()
    faces = torch.from_numpy(arrays["f"].astype(np.int64))
    return BodyModel.with_regressor(
        regressor,
        name=f"licensed:{path.stem}",
        template=_float(arrays["v_template"]),
        faces=faces,
        uv=uv,
        face_uv=face_uv,
        shape_directions=shape,
        expression_directions=expression,
        action_directions=torch.zeros(V, 3, NUM_ACTIONS),
        pose_directions=_float(arrays["posedirs"]).reshape(3 * V, 486),
        weights=_float(arrays["weights"]),
        mirror=None,
        landmarks=_landmarks(arrays, V),
        hands_mean=_hands_mean(arrays),
    )


def export_smplx_npz(body: BodyModel, path: Path) -> None:
    """Write a body as the `smplx` package reads it: expressions in columns 300 + [0, 10), actions in [310, 362).

    Load with `smplx.SMPLX(path, ext="npz", num_betas=20, num_expression_coeffs=62, use_pca=False)`.
    """
    if body.joint_regressor is None:
        raise BodyFileError("Only a whole body can be exported, not a subset of its vertices.")
    V = body.num_vertices
    directions = np.zeros((V, 3, 400), np.float32)
    directions[..., :NUM_BETAS] = body.shape_directions.numpy()
    first = _FIRST_EXPRESSION + NUM_EXPRESSION
    directions[..., _FIRST_EXPRESSION:first] = body.expression_directions.numpy()
    directions[..., first : first + NUM_ACTIONS] = body.action_directions.numpy()
    correctives = body.pose_directions.to_dense() if body.pose_directions.is_sparse else body.pose_directions
    left, right = body.hands_mean.numpy().reshape(2, 45)
    known = body.landmarks.face_triangle[list(LANDMARKS_51)].clamp(min=0).numpy()
    bary = body.landmarks.face_barycentric[list(LANDMARKS_51)].numpy().astype(np.float64)
    parents = np.array(PARENTS)
    arrays = {
        "v_template": body.template.numpy(),
        "f": body.faces.numpy().astype(np.uint32),
        "vt": body.uv.numpy(),
        "ft": body.face_uv.numpy().astype(np.uint32),
        "shapedirs": directions,
        "posedirs": correctives.numpy().reshape(V, 3, 486),
        "J_regressor": body.joint_regressor.to_dense().numpy(),
        "weights": body.weights.numpy(),
        "kintree_table": np.stack([parents, np.arange(55)]),
        "hands_componentsl": np.eye(45, dtype=np.float32),  # one component an angle: no hand data to learn from
        "hands_componentsr": np.eye(45, dtype=np.float32),
        "hands_coeffsl": np.eye(45, dtype=np.float32),
        "hands_coeffsr": np.eye(45, dtype=np.float32),
        "hands_meanl": left,
        "hands_meanr": right,
        "lmk_faces_idx": known,
        "lmk_bary_coords": bary,
        "dynamic_lmk_faces_idx": np.tile(
            known[:17], (79, 1)
        ),  # asked for by smplx; no outline that turns with the head
        "dynamic_lmk_bary_coords": np.tile(bary[:17], (79, 1, 1)),
    }
    np.savez_compressed(path, **arrays)  # pyright: ignore[reportArgumentType]


def _read(path: Path) -> dict[str, np.ndarray]:
    try:
        size = path.stat().st_size
        start = path.open("rb").read(4)
    except OSError as error:
        raise BodyFileError(f"The body file {path} cannot be read: {error.strerror or error}.") from error
    if size > _LARGEST_FILE:
        raise BodyFileError(f"The body file {path} is larger than any SMPL-X model; check that it is the right file.")
    if start[:2] != b"PK":
        return read_arrays(path.read_bytes(), path)
    try:
        with np.load(path, allow_pickle=False) as file:
            wanted = [name for name in file.files if name in _NEEDED or name in _OPTIONAL]
            return {name: file[name] for name in wanted}
    except (OSError, ValueError, EOFError, zipfile.BadZipFile, KeyError, MemoryError) as error:
        raise BodyFileError(f"The body file {path} is damaged; download it again from smpl-x.is.tue.mpg.de.") from error


_OPTIONAL = ("vt", "ft", "lmk_faces_idx", "lmk_bary_coords", "hands_meanl", "hands_meanr")


def _check(arrays: dict[str, np.ndarray], path: Path) -> None:
    missing = [
        k for k, n in _NEEDED.items() if k not in arrays or arrays[k].ndim != n or arrays[k].dtype.kind not in "fiu"
    ]
    if missing:
        raise BodyFileError(
            f"The body file {path} is no SMPL-X model: '{missing[0]}' is missing; give SMPLX_NEUTRAL.npz or its like."
        )
    V = len(arrays["v_template"])
    wanted = {
        "v_template": (V, 3), "shapedirs": (V, 3, arrays["shapedirs"].shape[2]), "posedirs": (V, 3, 486),
        "J_regressor": (55, V), "weights": (V, 55), "kintree_table": (2, 55), "f": (len(arrays["f"]), 3),
    }  # fmt: skip
    for key, shape in wanted.items():
        if arrays[key].shape != shape:
            raise BodyFileError(
                f"The body file {path} is not an SMPL-X model with 55 joints: '{key}' has shape {arrays[key].shape}; "
                "SMPL and SMPL+H files do not work."
            )
    parents = arrays["kintree_table"][0].astype(np.int64)
    if tuple(parents[1:]) != PARENTS[1:]:
        raise BodyFileError(
            f"The body file {path} has another skeleton than SMPL-X; give SMPLX_NEUTRAL.npz or its like."
        )
    faces, columns = arrays["f"].astype(np.int64), arrays["shapedirs"].shape[2]
    finite = all(np.isfinite(arrays[k]).all() for k in _NEEDED if arrays[k].dtype.kind == "f")
    if columns < 20 or not finite or not len(faces) or faces.min() < 0 or faces.max() >= V:
        raise BodyFileError(f"The body file {path} is damaged; download it again from smpl-x.is.tue.mpg.de.")


def _float(array: np.ndarray) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(array, dtype=np.float32))


def _directions(shapedirs: np.ndarray) -> tuple[Tensor, Tensor]:
    """(V, 3, 20) and (V, 3, 10); files with fewer than 400 columns hold ten shapes and ten expressions, as in smplx."""
    if shapedirs.shape[2] >= _FIRST_EXPRESSION + 100:
        shape = shapedirs[..., :NUM_BETAS]
        expression = shapedirs[..., _FIRST_EXPRESSION : _FIRST_EXPRESSION + NUM_EXPRESSION]
    else:
        shape = np.zeros((*shapedirs.shape[:2], NUM_BETAS), np.float32)
        shape[..., :10] = shapedirs[..., :10]
        expression = shapedirs[..., 10:20]
    return _float(shape), _float(expression)


def _uv(arrays: dict[str, np.ndarray], path: Path, uv_path: Path | None) -> tuple[Tensor, Tensor]:
    if uv_path is not None:
        vt, ft = _read_obj_uv(uv_path) if uv_path.suffix.lower() == ".obj" else _read_npz_uv(uv_path)
    elif "vt" in arrays and "ft" in arrays:
        vt, ft = arrays["vt"], arrays["ft"]
    else:
        raise BodyFileError(f"The body file {path} has no UV layout; give SMPL-X's UV template .obj beside it.")
    ft = ft.astype(np.int64)
    plausible = vt.ndim == 2 and vt.shape[1] >= 2 and ft.shape == arrays["f"].shape
    if not plausible or ft.min() < 0 or ft.max() >= len(vt) or not np.isfinite(vt).all():
        raise BodyFileError(f"The UV layout {uv_path or path} belongs to another mesh than {path}; give SMPL-X's own.")
    return _float(vt[:, :2]), torch.from_numpy(ft)


def _read_npz_uv(path: Path) -> tuple[np.ndarray, np.ndarray]:
    try:
        with np.load(path, allow_pickle=False) as file:
            return file["vt"], file["ft"]
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise BodyFileError(f"The UV file {path} is no npz with 'vt' and 'ft'; give SMPL-X's UV template.") from error


def _read_obj_uv(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Texture coordinates and faces `f v/vt v/vt v/vt` of a triangle .obj."""
    try:
        lines = [line.split() for line in path.read_text(encoding="utf-8", errors="replace").splitlines()]
        vt = np.array([[float(x) for x in p[1:3]] for p in lines if p and p[0] == "vt"])
        ft = np.array([[int(corner.split("/")[1]) - 1 for corner in p[1:4]] for p in lines if p and p[0] == "f"])
    except (OSError, ValueError, IndexError) as error:
        raise BodyFileError(f"The UV file {path} is not a triangle .obj with texture coordinates.") from error
    return vt, ft


def _landmarks(arrays: dict[str, np.ndarray], V: int) -> BodyLandmarks:
    """The 51 face points of the file under MediaPipe's ids, -1 for all others."""
    triangle, barycentric = torch.full((478,), -1), torch.zeros(478, 3)
    index, weight = arrays.get("lmk_faces_idx"), arrays.get("lmk_bary_coords")
    if index is not None and weight is not None and index.shape == (51,) and weight.shape == (51, 3):
        triangle[list(LANDMARKS_51)] = torch.from_numpy(index.astype(np.int64)).clamp(0, len(arrays["f"]) - 1)
        barycentric[list(LANDMARKS_51)] = _float(weight)
    known = load_open_body().landmarks
    tips = torch.tensor(_TIPS).clamp(max=V - 1)
    return BodyLandmarks(triangle, barycentric, known.pose_joint, known.pose_offset, known.hand_joint, tips)


def _hands_mean(arrays: dict[str, np.ndarray]) -> Tensor:
    hands = [arrays.get(k, np.zeros(45)).reshape(-1) for k in ("hands_meanl", "hands_meanr")]
    if any(h.shape != (45,) for h in hands):
        return torch.zeros(30, 3)
    return _float(np.concatenate(hands).reshape(30, 3))
