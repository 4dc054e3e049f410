"""Motions: SMPL-X and AMASS files in, one layout out. Standard library and numpy only: Blender imports this module.

Layouts (Pavlakos et al. 2019; Mahmood et al. 2019, AMASS): rotations are axis-angle, radians, joints in SMPL-X order;
`trans` is added after posing, so that the root turns about the rest pelvis.
"""

import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from neural_core import quaternions
from neural_core.errors import MotionError

NUM_JOINTS = 55
NUM_BODY_JOINTS = 22  # pelvis to wrists, first in SMPL, SMPL-H and SMPL-X alike
NUM_EXPRESSION = 10
_HANDS = slice(25, 55)
# The rest pelvis that AMASS's z-up worlds turn about; SMPL-X keeps it nearly constant over shapes.
_PELVIS = np.array([0.0, -0.351, 0.012])
_Y_UP_FROM_Z_UP = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, -1.0, 0.0]])
_DEFAULT_FPS = 30.0
_MAX_BYTES = 2 << 30  # unpacked; an hour of SMPL-X motion at 120 fps is 0.6 GB
# What numpy and zipfile raise over damaged, foreign and hostile files.
_DAMAGE = (
    ValueError, KeyError, EOFError, MemoryError, OverflowError, NotImplementedError, RuntimeError, zipfile.BadZipFile,
    zlib.error,
)  # fmt: skip
_FPS_KEYS = ("mocap_frame_rate", "mocap_framerate", "fps", "frame_rate")
_TRANS_KEYS = ("trans", "transl")
# Numbers per frame in 'poses' -> whose layout it is.
_PACKED = {165: "SMPL-X", 156: "SMPL-H", 72: "SMPL", 66: "SMPL-X body"}
# Split files: our joints, names in SMPL-X results, names in AMASS.
_SPLIT = (
    (slice(0, 1), ("global_orient", "root_orient")),
    (slice(1, 22), ("body_pose", "pose_body")),
    (slice(22, 23), ("jaw_pose", "pose_jaw")),
    (slice(23, 25), ("pose_eye",)),
    (slice(23, 24), ("leye_pose", "left_eye_pose")),
    (slice(24, 25), ("reye_pose", "right_eye_pose")),
    (slice(25, 55), ("pose_hand",)),
    (slice(25, 40), ("left_hand_pose",)),
    (slice(40, 55), ("right_hand_pose",)),
)


@dataclass(frozen=True)
class Motion:
    """Poses over time, y up.

    Attributes:
        poses: (N, 55, 3) axis-angle, radians, SMPL-X joint order. trans: (N, 3) metres. fps: frames per second.
        betas: (n,) shape of the recorded person, or None. expression: (N, 10) or None.
        has_hands: False when the file knows no fingers; they are zero then (flat hands).
        warnings: sentences about what the file did not say and what was taken instead.
    """

    poses: np.ndarray
    trans: np.ndarray
    fps: float
    betas: np.ndarray | None = None
    expression: np.ndarray | None = None
    has_hands: bool = True
    warnings: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.poses)

    @property
    def seconds(self) -> float:
        """From the first frame to the last."""
        return (len(self) - 1) / self.fps

    def resampled(self, fps: float) -> "Motion":
        """The same motion at another frame rate; rotations go the short way (slerp)."""
        if fps <= 0:
            raise ValueError(f"fps must be positive, not {fps}")
        if fps == self.fps or len(self) == 1:
            return replace(self, fps=fps)
        # The tolerance keeps the last frame when seconds * fps is a whole number but for rounding.
        times = np.arange(int(np.floor(self.seconds * fps + 1e-6)) + 1) * (self.fps / fps)
        first = np.clip(times.astype(int), 0, len(self) - 2)
        s = np.clip(times - first, 0.0, 1.0)

        def lerp(values: np.ndarray) -> np.ndarray:
            w = s.reshape(-1, *(1,) * (values.ndim - 1))
            return values[first] * (1 - w) + values[first + 1] * w

        a, b = quaternions.from_axis_angle(self.poses[first]), quaternions.from_axis_angle(self.poses[first + 1])
        return replace(
            self,
            fps=fps,
            poses=quaternions.to_axis_angle(quaternions.slerp(a, b, s[:, None, None])),
            trans=lerp(self.trans),
            expression=None if self.expression is None else lerp(self.expression),
        )


def read_motion(path: Path | str, up: str = "auto") -> Motion:
    """Read a SMPL-X or AMASS .npz file.

    Args:
        up: which axis of the file's world is up: "y", "z" (AMASS), or "auto": what the file says, or else where the
            body's own up points on average.

    Raises:
        MotionError: not such a file, keys missing, shapes wrong, numbers not finite.
    """
    if up not in ("auto", "y", "z"):
        raise ValueError(f"up must be 'auto', 'y' or 'z', not {up!r}")
    path = Path(path)
    arrays = _load(path)
    warnings: list[str] = []
    poses, has_hands = _poses(arrays, path, warnings)
    trans = _first(arrays, _TRANS_KEYS)
    if trans is None:
        trans = np.zeros((len(poses), 3))
        warnings.append("The motion has no 'trans': the avatar stays in its place.")
    fps = _first(arrays, _FPS_KEYS)
    if fps is None:
        fps = np.array(_DEFAULT_FPS)
        warnings.append(f"The motion has no frame rate: {_DEFAULT_FPS:g} frames per second are assumed.")
    fps = _number(fps, "frame rate", path)
    if not 0 < fps <= 10_000:
        raise MotionError(f"'{path.name}' says {fps:g} frames per second: correct 'mocap_frame_rate' in the file.")
    betas, expression = arrays.get("betas"), arrays.get("expression")
    if betas is not None:  # one person for the whole motion; some files repeat it in every frame
        betas = np.atleast_2d(_finite(betas, "betas", path))[0]
    if expression is not None:
        expression = _fit_expression(_shaped(expression, (len(poses), None), "expression", path))
    motion = Motion(
        poses=poses,
        trans=_shaped(trans, (len(poses), 3), "trans", path),
        fps=fps,
        betas=betas,
        expression=expression,
        has_hands=has_hands,
        warnings=tuple(warnings),
    )
    stated = str(arrays["up_axis"]) if "up_axis" in arrays else ""
    if up == "auto":
        up = stated if stated in ("y", "z") else up_axis(motion)
    return z_up_to_y_up(motion) if up == "z" else motion


def write_motion(path: Path | str, motion: Motion) -> None:
    """Write a SMPL-X .npz file, y up, that `read_motion` and other SMPL-X tools read. Raises OSError."""
    arrays = {
        "poses": motion.poses.reshape(len(motion), -1).astype(np.float32),
        "trans": motion.trans.astype(np.float32),
        "betas": np.zeros(10, np.float32) if motion.betas is None else np.asarray(motion.betas, np.float32),
        "mocap_frame_rate": np.float32(motion.fps),
        "gender": np.array("neutral"),
        "up_axis": np.array("y"),
    }
    if motion.expression is not None:
        arrays["expression"] = motion.expression.astype(np.float32)
    with Path(path).open("wb") as file:
        np.savez_compressed(file, allow_pickle=False, **arrays)


def up_axis(motion: Motion) -> str:
    """Where the pelvis's own up points on average, "y" or "z"; a person who lies throughout deceives it."""
    up = quaternions.rotate(quaternions.from_axis_angle(motion.poses[:, 0]), np.array([0.0, 1.0, 0.0])).mean(axis=0)
    return "z" if up[2] > abs(up[1]) else "y"


def z_up_to_y_up(motion: Motion) -> Motion:
    """The same motion after turning its world about x so that +z becomes +y."""
    half = np.sqrt(0.5)
    turned = quaternions.multiply(np.array([half, -half, 0.0, 0.0]), quaternions.from_axis_angle(motion.poses[:, 0]))
    poses = motion.poses.copy()
    poses[:, 0] = quaternions.to_axis_angle(turned)
    # The root turns about the pelvis, so it is the pelvis that the world carries along, not the origin.
    trans = (motion.trans + _PELVIS) @ _Y_UP_FROM_Z_UP.T - _PELVIS
    return replace(motion, poses=poses, trans=trans)


def _load(path: Path) -> dict[str, np.ndarray]:
    """The arrays of an .npz file; never unpickles, never unpacks more than a sane motion holds."""
    try:
        with zipfile.ZipFile(path) as archive:
            if sum(item.file_size for item in archive.infolist()) > _MAX_BYTES:
                raise MotionError(f"'{path.name}' unpacks to more than 2 GB: cut the motion into shorter files.")
        with np.load(path, allow_pickle=False) as file:
            wanted = {*_FPS_KEYS, *_TRANS_KEYS, "poses", "betas", "expression", "up_axis"}
            wanted |= {name for _, names in _SPLIT for name in names}
            return {name: file[name] for name in file.files if name in wanted}
    except FileNotFoundError as error:
        raise MotionError(f"There is no motion file '{path}': check the name.") from error
    except OSError as error:
        raise MotionError(f"The motion file '{path}' cannot be read ({error.strerror or error}).") from error
    except _DAMAGE as error:
        raise MotionError(
            f"'{path.name}' is not a SMPL-X or AMASS motion: choose an undamaged .npz file with plain arrays."
        ) from error


def _poses(arrays: Mapping[str, np.ndarray], path: Path, warnings: list[str]) -> tuple[np.ndarray, bool]:
    """(N, 55, 3) axis-angle, and whether the file knows fingers."""
    if "poses" in arrays:
        packed = arrays["poses"]
        width = int(np.prod(packed.shape[1:])) if packed.ndim > 1 else 0
        if width not in _PACKED or not len(packed):
            allowed = ", ".join(f"(N, {n}) for {kind}" for n, kind in _PACKED.items())
            raise MotionError(f"'poses' in '{path.name}' has the shape {packed.shape}; it must be one of {allowed}.")
        given = _finite(packed, "poses", path).reshape(len(packed), -1, 3)
        poses = np.zeros((len(given), NUM_JOINTS, 3))
        if width == 165:
            poses[:] = given
        else:
            poses[:, :NUM_BODY_JOINTS] = given[:, :NUM_BODY_JOINTS]  # SMPL's two rigid hands have no joint here
        if width == 156:
            poses[:, _HANDS] = given[:, NUM_BODY_JOINTS:]
        return poses, width in (165, 156)
    parts = [(joints, name) for joints, names in _SPLIT for name in names if name in arrays]
    present = {name for _, name in parts}
    if not present & {"body_pose", "pose_body"}:
        raise MotionError(f"'{path.name}' has neither 'poses' nor 'body_pose': choose a SMPL-X or AMASS motion.")
    if not present & {"global_orient", "root_orient"}:
        warnings.append("The motion has no 'global_orient': the avatar stands upright and faces forward.")
    frames = max(len(np.atleast_1d(arrays[name])) for _, name in parts)
    poses = np.zeros((frames, NUM_JOINTS, 3))
    for joints, name in parts:
        poses[:, joints] = _joint_values(arrays[name], frames, joints.stop - joints.start, name, path)
    return poses, bool(present & {"pose_hand", "left_hand_pose", "right_hand_pose"})


def _joint_values(array: np.ndarray, frames: int, joints: int, name: str, path: Path) -> np.ndarray:
    """(N, joints, 3). SMPL's 23 body joints lose the rigid hands; hands in PCA are refused: the basis is licensed."""
    flat = array.reshape(len(array), -1) if array.ndim else array
    if joints == NUM_BODY_JOINTS - 1 and flat.ndim == 2 and flat.shape[1] == 69:
        flat = flat[:, :63]
    if name.endswith("hand_pose") and flat.ndim == 2 and flat.shape[1] < joints * 3:
        raise MotionError(
            f"'{name}' in '{path.name}' holds {flat.shape[1]} PCA values: export 45 axis-angle values (use_pca=False)."
        )
    return _shaped(flat, (frames, joints * 3), name, path).reshape(frames, joints, 3)


def _shaped(array: np.ndarray, shape: tuple[int | None, ...], name: str, path: Path) -> np.ndarray:
    fits = array.ndim == len(shape) and all(n is None or n == m for n, m in zip(shape, array.shape))
    if not fits:
        wanted = "(" + ", ".join("any" if n is None else str(n) for n in shape) + ")"
        raise MotionError(f"'{name}' in '{path.name}' has the shape {array.shape}; it must be {wanted}.")
    return _finite(array, name, path)


def _finite(array: np.ndarray, name: str, path: Path) -> np.ndarray:
    if array.dtype.kind not in "fiu":
        raise MotionError(f"'{name}' in '{path.name}' does not hold numbers: choose another file.")
    if not np.isfinite(array).all():
        raise MotionError(f"'{name}' in '{path.name}' holds numbers that are not finite: repair the file.")
    return array.astype(np.float64)


def _number(array: np.ndarray, name: str, path: Path) -> float:
    if array.size != 1:
        raise MotionError(f"The {name} in '{path.name}' has the shape {array.shape}; it must be one number.")
    return float(_finite(array, name, path).reshape(()))


def _first(arrays: Mapping[str, np.ndarray], names: tuple[str, ...]) -> np.ndarray | None:
    return next((arrays[name] for name in names if name in arrays), None)


def _fit_expression(expression: np.ndarray) -> np.ndarray:
    """(N, n) to (N, 10): SMPL-X's leading components; files with fewer are padded."""
    result = np.zeros((len(expression), NUM_EXPRESSION))
    n = min(NUM_EXPRESSION, expression.shape[1])
    result[:, :n] = expression[:, :n]
    return result
