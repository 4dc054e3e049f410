"""Where the depth corrections of `fitting.observation.BONES` come from: `python -m neural_core.evaluation.directions`.

For renders with known joints, regress the true depth component of every bone's direction on MediaPipe's.
"""

import argparse
from pathlib import Path

import numpy as np

from neural_core.body import load_open_body
from neural_core.errors import PhotoError
from neural_core.evaluation.posed_people import make_subject
from neural_core.fitting.observation import BONE_END, BONE_START, BONES, rotation_to_ray
from neural_core.photo import Photo, observe


def directions(subjects: int, first_seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Bone directions MediaPipe gave, turned into the camera's axes, and the true ones: (n, bones, 3) each."""
    import torch

    body = load_open_body()
    given, true = [], []
    for seed in range(first_seed, first_seed + subjects):
        subject = make_subject(body, seed)
        try:
            evidence = observe(Photo(subject.image, None, float(subject.camera.K[0, 0]), Path(f"render {seed}")))
        except PhotoError:
            continue
        out = body(subject.parameters, correctives=False)
        points = subject.camera.to_camera(body.landmarks.pose_points(out.joints, out.rotations)[0])
        bones = torch.nn.functional.normalize(points[BONE_END] - points[BONE_START], dim=1)
        turn = rotation_to_ray(points[0, :2] / points[0, 2])
        world = torch.from_numpy(evidence.pose_world)
        seen = torch.nn.functional.normalize(world[BONE_END] - world[BONE_START], dim=1)
        given.append(seen.numpy())
        true.append((bones @ turn).numpy())  # as if seen head-on
    return np.array(given), np.array(true)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--subjects", type=int, default=300)
    parser.add_argument("--first-seed", type=int, default=0)
    arguments = parser.parse_args()
    given, true = directions(arguments.subjects, arguments.first_seed)
    for index, bone in enumerate(BONES):
        slope, offset = np.polyfit(given[:, index, 2], true[:, index, 2], 1)
        correlation = np.corrcoef(given[:, index, 2], true[:, index, 2])[0, 1]
        spread = np.std(true[:, index, 2] - slope * given[:, index, 2] - offset)
        print(f"{bone.start}-{bone.end}: slope {slope:.2f} offset {offset:+.2f} r {correlation:.2f} rest {spread:.2f}")


if __name__ == "__main__":
    main()
