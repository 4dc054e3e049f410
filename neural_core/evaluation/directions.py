"""Learn the correction of `fitting.directions`: `python -m neural_core.evaluation.directions --out FILE`.

On renders with known joints (seeds below 5000, never those of the evaluation), regress the true bone directions on
MediaPipe's, every render and its mirror image, with a ridge that keeps the correction small.
"""

import argparse
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from neural_core.body import BodyModel, load_open_body
from neural_core.errors import PhotoError
from neural_core.evaluation.posed_people import Subject, make_subject
from neural_core.fitting.directions import NUM_BONES, bone_directions, features
from neural_core.fitting.observation import rotation_to_ray
from neural_core.photo import Photo, PhotoEvidence, observe
from neural_core.photo.evidence import OTHER_SIDE

_RIDGE = 30.0  # chosen by five-fold cross-validation on 200 renders: 10 to 100 differ by 0.3 degrees
_FOLDS = 5
_TORSO = [11, 12, 23, 24]


def true_points(body: BodyModel, subject: Subject) -> Tensor:
    """BlazePose points (33, 3) of the subject in axes that look straight at the torso, where MediaPipe puts them."""
    out = body(subject.parameters, correctives=False)
    points = subject.camera.to_camera(body.landmarks.pose_points(out.joints, out.rotations)[0])
    torso = points[_TORSO].mean(0)
    return (points - torso) @ rotation_to_ray(torso[:2] / torso[2])


def learn(given: Tensor, true: Tensor) -> Tensor:
    """Ridge weights (52, 51) from world landmarks given (n, 33, 3) to true points (n, 33, 3)."""
    given, true = (torch.cat([points, _mirrored(points)]).double() for points in (given, true))
    directions = bone_directions(given)
    inputs = features(directions)  # (2n, 52)
    change = (bone_directions(true) - directions).flatten(1)  # (2n, 51)
    normal = inputs.T @ inputs + _RIDGE * torch.eye(inputs.shape[1], dtype=torch.float64)
    return torch.linalg.solve(normal, inputs.T @ change)


def errors(weights: Tensor, given: Tensor, true: Tensor) -> Tensor:
    """Degrees (n, 17) between corrected and true directions."""
    directions = bone_directions(given.double())
    corrected = directions + (features(directions) @ weights).reshape(-1, NUM_BONES, 3)
    corrected = torch.nn.functional.normalize(corrected, dim=-1)
    cosine = (corrected * bone_directions(true.double())).sum(-1).clamp(-1, 1)
    return torch.rad2deg(torch.arccos(cosine))


def _mirrored(points: Tensor) -> Tensor:
    return points[:, OTHER_SIDE] * torch.tensor([-1.0, 1.0, 1.0])


def _observed(body: BodyModel, subject: Subject, seed: int) -> PhotoEvidence | None:
    try:
        return observe(Photo(subject.image, None, None, Path(f"render {seed}")))
    except PhotoError:
        return None


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--subjects", type=int, default=300)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--out", type=Path, required=True, help="directions.npz to write")
    arguments = parser.parse_args()
    body = load_open_body()
    pairs = []
    for seed in range(arguments.first_seed, arguments.first_seed + arguments.subjects):
        subject = make_subject(body, seed, max_yaw=180.0 if seed % 5 == 0 else 70.0)
        evidence = _observed(body, subject, seed)
        if evidence is not None:
            pairs.append((torch.from_numpy(evidence.pose_world), true_points(body, subject)))
    given, true = torch.stack([g for g, _ in pairs]), torch.stack([t for _, t in pairs])
    fold = torch.arange(len(given)) % _FOLDS
    held_out = torch.cat(
        [errors(learn(given[fold != k], true[fold != k]), given[fold == k], true[fold == k]) for k in range(_FOLDS)]
    )
    plain = errors(torch.zeros(3 * NUM_BONES + 1, 3 * NUM_BONES, dtype=torch.float64), given, true)
    print(f"{len(given)} renders; mean error {plain.mean():.1f} degrees as given, {held_out.mean():.1f} corrected")
    np.savez_compressed(arguments.out, weights=learn(given, true).float().numpy())


if __name__ == "__main__":
    main()
