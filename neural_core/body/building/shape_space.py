"""Twenty shape directions: ten for the whole body, ten for the face alone; and the joints that follow them."""

import numpy as np

from neural_core.body.building.source import FIRST_EYE, MIRRORED_JOINTS
from neural_core.body.skeleton import JOINT_INDEX, JOINT_NAMES

_HEAD = [JOINT_INDEX[n] for n in ("head", "jaw", "left_eye_smplhf", "right_eye_smplhf")]
_BACK_OF_HEAD = 0.3  # weight of skull and ears in the face analysis, the face itself counts 1
_REGRESSOR_PEOPLE = 500
_RIDGE = 0.1


def principal_directions(samples: np.ndarray, count: int, weight: np.ndarray | None = None) -> np.ndarray:
    """Unit-variance principal directions (N, 3, count) of samples (n, N, 3), optionally weighted per vertex (N,).

    Uses the Gram matrix, n << 3 N. A direction is what a coefficient of one standard deviation adds.
    """
    n, N, _ = samples.shape
    centred = (samples - samples.mean(0)).reshape(n, -1).astype(np.float32)
    scaled = centred if weight is None else centred * np.repeat(weight, 3).astype(np.float32)
    values, vectors = np.linalg.eigh((scaled @ scaled.T).astype(np.float64))
    order = np.argsort(-values)[:count]
    directions = (vectors[:, order].T @ centred) / np.sqrt(n)
    share = values[order].cumsum() / values.sum()
    print(f"principal directions: {count} explain {100 * share[-1]:.1f} % of the variance")
    return directions.reshape(count, N, 3).transpose(1, 2, 0)


def body_directions(people: np.ndarray, template: np.ndarray, count: int = 10) -> np.ndarray:
    """(N, 3, count); positive first coefficient is taller: the crown of the head moves up."""
    directions = principal_directions(people, count)
    crown = template[:, 1].argmax()
    return directions * np.where(directions[crown, 1] < 0, -1, 1)


def head_mask(weights: np.ndarray) -> np.ndarray:
    """(N,) 1 on the head, 0 from the middle of the neck downwards, smooth between; from skinning weights (N, 55)."""
    ramp = np.clip((weights[:, _HEAD].sum(1) - 0.05) / 0.9, 0, 1)
    return ramp * ramp * (3 - 2 * ramp)


def face_directions(faces: np.ndarray, template: np.ndarray, weights: np.ndarray, count: int = 10) -> np.ndarray:
    """(N, 3, count) zero below the neck, from heads (n, N, 3) hung on the mean neck."""
    mask = head_mask(weights)
    moved = faces - faces.mean(0)
    collar = (mask > 0.02) & (mask < 0.5)
    moved -= moved[:, collar].mean(1, keepdims=True)
    moved *= mask[:, None]
    front = np.clip((template[:, 2] - template[mask > 0.99, 2].mean()) / 0.05 + 0.5, _BACK_OF_HEAD, 1)
    directions = principal_directions(moved, count, mask * front)
    widest = np.abs(directions).reshape(-1, count).argmax(0)
    return directions * np.sign(directions.reshape(-1, count)[widest, np.arange(count)])


def joint_regressor(
    people: np.ndarray, joints: np.ndarray, template: np.ndarray, weights: np.ndarray, base: np.ndarray,
    kept: np.ndarray, mirror: np.ndarray,
) -> np.ndarray:  # fmt: skip
    """(55, N) rows that sum to one: joints as signed combinations of nearby skin, by ridge regression.

    Joints of the body never look at the face (mask > 0), so that face coefficients leave them where they are.
    """
    mask = head_mask(weights)
    skin = kept & (base < FIRST_EYE)
    mean_joints = joints.mean(0)
    chosen = np.linspace(0, len(people) - 1, min(_REGRESSOR_PEOPLE, len(people))).astype(int)
    regressor = np.zeros((55, len(template)))
    for j, name in enumerate(JOINT_NAMES):
        if name.startswith("right"):
            continue
        candidates = _candidates(
            name, template - mean_joints[j], weights[:, j], skin if j in _HEAD else skin & (mask == 0)
        )
        middle = not name.startswith("left")
        if middle:
            candidates = np.unique(np.r_[candidates, mirror[candidates]])
        row = np.zeros(len(template))
        row[candidates] = _affine_ridge(people[chosen][:, candidates], joints[chosen, j])
        regressor[j] = (row + row[mirror]) / 2 if middle else row
        regressor[MIRRORED_JOINTS[j]] = regressor[j] if middle else row[mirror]
    error = np.linalg.norm(np.einsum("jv,nvk->njk", regressor, people[::20]) - joints[::20], axis=-1) * 1e3
    print(f"joint regressor: mean {error.mean():.2f}, 95 % {np.percentile(error, 95):.1f}, max {error.max():.1f} mm")
    return regressor


def _candidates(name: str, offset: np.ndarray, weight: np.ndarray, allowed: np.ndarray) -> np.ndarray:
    """About 150 vertices around a joint: more for the trunk, whose pivots lie deep inside."""
    if "eye" in name:
        return np.where(weight > 0.5)[0]
    finger = name.rstrip("123").split("_")[-1]
    pool = {"index": 200, "middle": 200, "pinky": 200, "ring": 200, "thumb": 300}.get(finger, 1500)
    nearest = np.where(allowed)[0]
    nearest = nearest[np.argsort(np.linalg.norm(offset[nearest], axis=1))][:pool]
    return nearest[:: max(1, pool // 150)]


def _affine_ridge(vertices: np.ndarray, joint: np.ndarray) -> np.ndarray:
    """Weights (m,) summing to one that take vertices (n, m, 3) to joint (n, 3)."""
    m = vertices.shape[1]
    A = vertices.transpose(0, 2, 1).reshape(-1, m).astype(np.float64)
    A = np.vstack([A, np.full((1, m), 1e3), _RIDGE * np.eye(m)])
    b = np.r_[joint.reshape(-1).astype(np.float64), 1e3, np.zeros(m)]
    x = np.linalg.lstsq(A, b, rcond=None)[0]
    return x / x.sum()
