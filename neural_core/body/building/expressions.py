"""Ten expression components learned from random mixtures of the 52 ARKit actions."""

import numpy as np

_PEOPLE = 3000
# Jaw and eyes have joints of their own; mouthClose moves lips 36 mm and is only valid together with jawOpen.
_EXCLUDED = ("jaw", "eyeLook", "tongueOut", "mouthClose")


def expression_directions(actions: np.ndarray, names: list[str], count: int = 10, seed: int = 0) -> np.ndarray:
    """(N, 3, count) unit-variance directions of the actions (52, N, 3) under plausible, mostly symmetric use."""
    rng = np.random.default_rng(seed)
    groups: dict[str, list[int]] = {}
    for i, name in enumerate(names):
        if not name.startswith(_EXCLUDED):
            groups.setdefault(name.replace("Left", "").replace("Right", ""), []).append(i)
    use = np.zeros((_PEOPLE, len(names)))
    for members in groups.values():
        strength = rng.beta(1.2, 1.5, _PEOPLE) * (rng.random(_PEOPLE) < 0.3)
        for i in members:
            alone = (rng.random(_PEOPLE) < 0.06) * rng.random(_PEOPLE)
            use[:, i] = np.clip(strength * (1 + rng.normal(0, 0.25, _PEOPLE)) + alone, 0, 1)
    # Principal components in the space of actions, with the metric of the surface.
    B = actions.reshape(len(names), -1).astype(np.float64)
    L = np.linalg.cholesky(np.cov(use.T) + 1e-9 * np.eye(len(names)))
    values, vectors = np.linalg.eigh(L.T @ (B @ B.T) @ L)
    order = np.argsort(-values)
    print(f"expressions: {count} explain {100 * values[order][:count].sum() / values.sum():.1f} % of the variance")
    return (B.T @ (L @ vectors[:, order[:count]])).reshape(-1, 3, count)
