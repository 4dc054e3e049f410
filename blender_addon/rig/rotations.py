"""Rotations as numpy arrays; quaternions are (w, x, y, z), as Blender has them."""

import numpy as np


def quaternions_from_axis_angle(axis_angle: np.ndarray) -> np.ndarray:
    """(..., 3) radians to unit quaternions (..., 4)."""
    half = np.linalg.norm(axis_angle, axis=-1, keepdims=True) / 2
    # np.sinc(x) = sin(pi x) / (pi x), finite at zero: the vector part is axis_angle / 2 * sin(half) / half.
    return np.concatenate([np.cos(half), axis_angle / 2 * np.sinc(half / np.pi)], axis=-1)


def axis_angle_from_quaternions(quaternions: np.ndarray) -> np.ndarray:
    """Quaternions (..., 4) of any length to axis-angle (..., 3), angles in [0, pi]."""
    q = quaternions / np.linalg.norm(quaternions, axis=-1, keepdims=True)
    q = np.where(q[..., :1] < 0, -q, q)
    sine = np.linalg.norm(q[..., 1:], axis=-1, keepdims=True)
    angle = 2 * np.arctan2(sine, q[..., :1])
    return q[..., 1:] * np.divide(angle, sine, out=np.full_like(angle, 2.0), where=sine > 1e-12)


def matrices_from_quaternions(quaternions: np.ndarray) -> np.ndarray:
    """Unit quaternions (..., 4) to rotation matrices (..., 3, 3)."""
    w, x, y, z = np.moveaxis(quaternions, -1, 0)
    rows = [
        [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
        [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
        [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
    ]
    return np.stack([np.stack(row, axis=-1) for row in rows], axis=-2)


def quaternions_from_matrices(matrices: np.ndarray) -> np.ndarray:
    """Rotation matrices (..., 3, 3) to unit quaternions (..., 4), exact at every angle (Shepperd 1978)."""
    m = np.asarray(matrices, dtype=np.float64)
    trace = np.trace(m, axis1=-2, axis2=-1)
    diagonal = np.diagonal(m, axis1=-2, axis2=-1)
    # 4 * outer(q, q): its longest column is the quaternion, far from any cancellation.
    outer = np.empty((*m.shape[:-2], 4, 4))
    outer[..., 0, 0] = 1 + trace
    for i in range(3):
        j, k = (i + 1) % 3, (i + 2) % 3
        outer[..., i + 1, i + 1] = 1 + 2 * diagonal[..., i] - trace
        outer[..., 0, i + 1] = outer[..., i + 1, 0] = m[..., k, j] - m[..., j, k]
        outer[..., j + 1, k + 1] = outer[..., k + 1, j + 1] = m[..., j, k] + m[..., k, j]
    longest = np.diagonal(outer, axis1=-2, axis2=-1).argmax(axis=-1)
    q = np.take_along_axis(outer, longest[..., None, None], axis=-2)[..., 0, :]
    return q / np.linalg.norm(q, axis=-1, keepdims=True)


def same_hemisphere(quaternions: np.ndarray) -> np.ndarray:
    """Flip signs along the first axis (N, ..., 4) so that neighbours interpolate the short way."""
    dots = (quaternions[1:] * quaternions[:-1]).sum(-1)
    signs = np.cumprod(np.where(dots < 0, -1.0, 1.0), axis=0)
    return np.concatenate([quaternions[:1], quaternions[1:] * signs[..., None]])
