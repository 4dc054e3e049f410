"""Learn the correction of `fitting.directions`: `python -m neural_core.evaluation.directions --out FILE`.

On renders with known joints (seeds below 5000, never those of the evaluation), regress the true bone directions on
MediaPipe's landmarks, every render and its mirror image, with a ridge that keeps the correction small.
"""

import argparse
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from neural_core.body import BodyModel, load_open_body
from neural_core.errors import PhotoError
from neural_core.evaluation.posed_people import Subject, make_subject
from neural_core.fitting.directions import NUM_BONES, bone_directions, features, picture_points
from neural_core.fitting.observation import rotation_to_ray
from neural_core.photo import Photo, PhotoEvidence, observe
from neural_core.photo.evidence import OTHER_SIDE

_RIDGE = 10.0  # of standardised features; on 200 renders held out of 1000, 1 to 10 differ by 0.1 degrees
_FOLDS = 4  # not 5: every fifth render is turned any way, and each fold must hold some
_TORSO = [11, 12, 23, 24]


def true_points(body: BodyModel, subject: Subject) -> Tensor:
    """BlazePose points (33, 3) of the subject in axes that look straight at the torso, where MediaPipe puts them."""
    out = body(subject.parameters, correctives=False)
    points = subject.camera.to_camera(body.landmarks.pose_points(out.joints, out.rotations)[0])
    torso = points[_TORSO].mean(0)
    return (points - torso) @ rotation_to_ray(torso[:2] / torso[2])


def learn(inputs: Tensor, change: Tensor) -> Tensor:
    """Ridge weights (f, 51) from `features` (n, f), the last of which is one, to changes of directions (n, 51)."""
    inputs, change = inputs.double(), change.double()
    mean, spread = inputs.mean(0), inputs.std(0) + 1e-6
    mean[-1], spread[-1] = 0.0, 1.0
    standard = (inputs - mean) / spread
    normal = standard.T @ standard + _RIDGE * torch.eye(inputs.shape[1], dtype=torch.float64)
    weights = torch.linalg.solve(normal, standard.T @ change) / spread[:, None]
    weights[-1] -= mean @ weights  # the last mean is zero, so that its own weight stays out
    return weights


def examples(world: Tensor, picture: Tensor | None, true: Tensor) -> tuple[Tensor, Tensor]:
    """Features (2n, f) and changes (2n, 51) of world landmarks, points in the picture and true points, with mirrors."""
    world, true = (torch.cat([points, _mirrored(points)]) for points in (world, true))
    picture = None if picture is None else torch.cat([picture, _mirrored(picture)])
    return features(world, picture), (bone_directions(true) - bone_directions(world)).flatten(1)


def errors(weights: Tensor, world: Tensor, picture: Tensor | None, true: Tensor) -> Tensor:
    """Degrees (n, 17) between corrected and true directions."""
    change = features(world, picture) @ weights.float()
    corrected = torch.nn.functional.normalize(bone_directions(world) + change.reshape(-1, NUM_BONES, 3), dim=-1)
    cosine = (corrected * bone_directions(true)).sum(-1).clamp(-1, 1)
    return torch.rad2deg(torch.arccos(cosine))


def _mirrored(points: Tensor) -> Tensor:
    """(n, 33, 2 or 3) seen in a mirror."""
    return points[:, OTHER_SIDE] * torch.tensor([-1.0, 1.0, 1.0])[: points.shape[2]]


def write(path: Path, world: Tensor, picture: Tensor, true: Tensor) -> None:
    """Cross-validate, print what is gained, and save the weights of all renders: (n, 33, 3), (n, 33, 2), (n, 33, 3)."""
    fold = torch.arange(len(world)) % _FOLDS
    saved = {}
    for name, points in (("world", None), ("picture", picture)):
        held_out = []
        for k in range(_FOLDS):
            train, test = fold != k, fold == k
            seen = (None, None) if points is None else (points[train], points[test])
            weights = learn(*examples(world[train], seen[0], true[train]))
            held_out.append(errors(weights, world[test], seen[1], true[test]))
        print(f"{len(world)} renders, {name}: mean error {torch.cat(held_out).mean():.1f} degrees")
        saved[name] = learn(*examples(world, points, true)).float().numpy()
    np.savez_compressed(path, world=saved["world"], picture=saved["picture"])


def _observed(subject: Subject, seed: int) -> PhotoEvidence | None:
    try:
        return observe(Photo(subject.image, None, None, Path(f"render {seed}")))
    except PhotoError:
        return None


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--subjects", type=int, default=1000)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--out", type=Path, required=True, help="directions.npz to write")
    arguments = parser.parse_args()
    body = load_open_body()
    rows = []
    for seed in range(arguments.first_seed, arguments.first_seed + arguments.subjects):
        subject = make_subject(body, seed, max_yaw=180.0 if seed % 5 == 0 else 70.0)
        evidence = _observed(subject, seed)
        if evidence is not None:
            picture = picture_points(torch.from_numpy(evidence.pose).float(), evidence.person_height_px)
            rows.append((torch.from_numpy(evidence.pose_world).float(), picture, true_points(body, subject)))
    write(arguments.out, *(torch.stack(column) for column in zip(*rows)))


if __name__ == "__main__":
    main()
