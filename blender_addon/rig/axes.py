"""The one place where the core's y-up world becomes Blender's z-up world.

Core: x to the person's left, y up, z forward. Blender: x to the person's left, y backward, z up.
"""

import numpy as np

# Blender (x, y, z) = core (x, -z, y); the transpose goes back: core (x, y, z) = Blender (x, z, -y).
BLENDER_FROM_CORE = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, 1.0, 0.0]])


def to_blender(vectors: np.ndarray) -> np.ndarray:
    """Points, directions or axis-angle vectors (..., 3) of the core in Blender's axes."""
    x, y, z = np.moveaxis(np.asarray(vectors), -1, 0)
    return np.stack([x, -z, y], axis=-1)


def to_core(vectors: np.ndarray) -> np.ndarray:
    """Points, directions or axis-angle vectors (..., 3) of Blender in the core's axes."""
    x, y, z = np.moveaxis(np.asarray(vectors), -1, 0)
    return np.stack([x, z, -y], axis=-1)


def rotations_to_core(rotations: np.ndarray) -> np.ndarray:
    """Rotation matrices (..., 3, 3) that act on Blender's axes, as they act on the core's."""
    return BLENDER_FROM_CORE.T @ rotations @ BLENDER_FROM_CORE


def coordinate_rows_to_blender(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Flat core coordinates (n,), row = vertex * 3 + axis, as flat Blender coordinates (n,) and signs (n,)."""
    vertex, axis = np.divmod(np.asarray(rows, dtype=np.int64), 3)
    target = np.abs(BLENDER_FROM_CORE).argmax(axis=0)  # core axis -> Blender axis
    sign = BLENDER_FROM_CORE.sum(axis=0)
    return vertex * 3 + target[axis], sign[axis]
