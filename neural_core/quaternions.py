"""Rotations as numpy arrays, for motions and for Blender; quaternions are (w, x, y, z). Numpy only."""

import numpy as np


def from_axis_angle(axis_angle: np.ndarray) -> np.ndarray:
    """(..., 3) radians to unit quaternions (..., 4)."""
    half = np.linalg.norm(axis_angle, axis=-1, keepdims=True) / 2
    # np.sinc(x) = sin(pi x) / (pi x), finite at zero: the vector part is axis_angle / 2 * sin(half) / half.
    return np.concatenate([np.cos(half), axis_angle / 2 * np.sinc(half / np.pi)], axis=-1)


def to_axis_angle(quaternions: np.ndarray) -> np.ndarray:
    """Quaternions (..., 4) of any length to axis-angle (..., 3), angles in [0, pi]."""
    q = quaternions / np.linalg.norm(quaternions, axis=-1, keepdims=True)
    q = np.where(q[..., :1] < 0, -q, q)
    sine = np.linalg.norm(q[..., 1:], axis=-1, keepdims=True)
    angle = 2 * np.arctan2(sine, q[..., :1])
    return q[..., 1:] * np.divide(angle, sine, out=np.full_like(angle, 2.0), where=sine > 1e-12)


def to_matrices(quaternions: np.ndarray) -> np.ndarray:
    """Unit quaternions (..., 4) to rotation matrices (..., 3, 3)."""
    w, x, y, z = np.moveaxis(quaternions, -1, 0)
    rows = [
        [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
        [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
        [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
    ]
    return np.stack([np.stack(row, axis=-1) for row in rows], axis=-2)


def from_matrices(matrices: np.ndarray) -> np.ndarray:
    """Rotation matrices (..., 3, 3) to unit quaternions (..., 4), exact at every angle (Shepperd 1978)."""
    m = np.asarray(matrices, dtype=np.float64)
    trace = np.trace(m, axis1=-2, axis2=-1)
    diagonal = np.diagonal(m, axis1=-2, axis2=-1)
    # 4 * outer(q, q): its longest row is the quaternion, far from any cancellation.
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


def multiply(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Hamilton product of quaternions (..., 4): first `b`, then `a`."""
    aw, av, bw, bv = a[..., :1], a[..., 1:], b[..., :1], b[..., 1:]
    w = aw * bw - (av * bv).sum(-1, keepdims=True)
    return np.concatenate([w, aw * bv + bw * av + np.cross(av, bv)], axis=-1)


def rotate(q: np.ndarray, vector: np.ndarray) -> np.ndarray:
    """Unit quaternions (..., 4) applied to vectors (..., 3) or (3,)."""
    w, v = q[..., :1], q[..., 1:]
    return vector + 2 * np.cross(v, np.cross(v, vector) + w * vector)


def slerp(a: np.ndarray, b: np.ndarray, s: np.ndarray) -> np.ndarray:
    """Spherical interpolation the short way (Shoemake 1985), s in [0, 1] broadcast against (..., 1)."""
    dot = (a * b).sum(-1, keepdims=True)
    b, dot = np.where(dot < 0, -b, b), np.abs(dot).clip(max=1.0)
    angle = np.arccos(dot)
    small = angle < 1e-6
    sine = np.where(small, 1.0, np.sin(angle))
    wa = np.where(small, 1 - s, np.sin((1 - s) * angle) / sine)
    wb = np.where(small, s, np.sin(s * angle) / sine)
    q = wa * a + wb * b
    return q / np.linalg.norm(q, axis=-1, keepdims=True)


def same_hemisphere(quaternions: np.ndarray) -> np.ndarray:
    """Flip signs along the first axis (N, ..., 4) so that neighbours interpolate the short way."""
    dots = (quaternions[1:] * quaternions[:-1]).sum(-1)
    signs = np.cumprod(np.where(dots < 0, -1.0, 1.0), axis=0)
    return np.concatenate([quaternions[:1], quaternions[1:] * signs[..., None]])
