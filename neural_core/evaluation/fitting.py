"""How well the fit recovers known bodies: `python -m neural_core.evaluation.fitting --subjects 100`.

Seeds start at 10000. Landmark offsets and depth corrections are calibrated on other seeds (below 10000), so that this
measures people never seen. The focal length is not told to the fit. MPJPE is over the 22 body joints in camera axes,
pelvis aligned; PA-MPJPE after a similarity (Procrustes) alignment.
"""

import argparse
import json
import sys
import time
from pathlib import Path

import numpy as np
import torch

from neural_core.body import BodyModel, load_open_body
from neural_core.body.skeleton import JOINT_INDEX
from neural_core.errors import PhotoError
from neural_core.evaluation.posed_people import Subject, make_subject
from neural_core.fitting import BodyFit, FitConfig, fit_body
from neural_core.photo import Photo, observe

FIRST_SEED = 10_000
_BODY_JOINTS = 22
_ARMS = [JOINT_INDEX[f"{side}_{part}"] for side in ("left", "right") for part in ("elbow", "wrist")]
_KNEES = [JOINT_INDEX["left_knee"], JOINT_INDEX["right_knee"]]
_DEFAULT = FitConfig()


def evaluate(subjects: int = 100, first_seed: int = FIRST_SEED, config: FitConfig = _DEFAULT) -> dict[str, float]:
    """Mean measures over `subjects` renders; "missed" counts people the detector did not find."""
    body = load_open_body()
    rows, missed = [], 0
    for seed in range(first_seed, first_seed + subjects):
        subject = make_subject(body, seed)
        try:
            start = time.perf_counter()
            evidence = observe(Photo(subject.image, None, None, Path(f"render {seed}")))
            fit = fit_body(evidence, body, config)
            seconds = time.perf_counter() - start
        except PhotoError:
            missed += 1
            continue
        rows.append({**compare(body, subject, fit), "seconds": seconds})
        print(f"{seed}: MPJPE {rows[-1]['mpjpe_mm']:.0f} mm", file=sys.stderr)
    means = {name: float(np.mean([row[name] for row in rows])) for name in rows[0]} if rows else {}
    if rows:
        means["mpjpe_median_mm"] = float(np.median([row["mpjpe_mm"] for row in rows]))
        means["mpjpe_p90_mm"] = float(np.percentile([row["mpjpe_mm"] for row in rows], 90))
    return {"subjects": float(len(rows)), "missed": float(missed), **means}


def compare(body: BodyModel, subject: Subject, fit: BodyFit) -> dict[str, float]:
    """Measures of one fit against the truth, millimetres and degrees, in camera axes."""
    truth, found = body(subject.parameters), body(fit.parameters)
    wanted = subject.camera.to_camera(truth.joints[0, :_BODY_JOINTS]).numpy()
    got = fit.camera.to_camera(found.joints[0, :_BODY_JOINTS]).numpy()
    error = np.linalg.norm((got - got[0]) - (wanted - wanted[0]), axis=1) * 1000
    aligned = np.linalg.norm(procrustes(got, wanted) - wanted, axis=1) * 1000
    turn = (fit.camera.R @ found.rotations[0, 0]).T @ (subject.camera.R @ truth.rotations[0, 0])
    cosine = ((torch.trace(turn) - 1) / 2).clamp(-1, 1)
    betas = (fit.parameters.betas - subject.parameters.betas)[0, :10]
    return {
        "mpjpe_mm": float(error.mean()),
        "pa_mpjpe_mm": float(aligned.mean()),
        "arms_mm": float(error[_ARMS].mean()),
        "knees_mm": float(error[_KNEES].mean()),
        "root_degrees": float(torch.rad2deg(torch.arccos(cosine))),
        "lean_bias_degrees": _towards(got) - _towards(wanted),
        "betas_error": float(betas.norm()),
        "residual_percent": fit.errors["residual_percent"],
        "iou_body": fit.errors["iou_body"],
    }


def procrustes(points: np.ndarray, target: np.ndarray) -> np.ndarray:
    """`points` (n, 3) after the similarity that brings them closest to `target` (n, 3)."""
    a, b = points - points.mean(0), target - target.mean(0)
    U, S, Vt = np.linalg.svd(a.T @ b)
    sign = np.array([1.0, 1.0, np.sign(np.linalg.det(U @ Vt))])
    scale = (S * sign).sum() / (a * a).sum()
    return scale * a @ (U * sign) @ Vt + target.mean(0)


def _towards(joints: np.ndarray) -> float:
    """Degrees by which ankles-to-neck leans away from the camera."""
    spine = joints[JOINT_INDEX["neck"]] - joints[[JOINT_INDEX["left_ankle"], JOINT_INDEX["right_ankle"]]].mean(0)
    return float(np.degrees(np.arcsin(spine[2] / np.linalg.norm(spine))))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--subjects", type=int, default=100)
    parser.add_argument("--first-seed", type=int, default=FIRST_SEED)
    arguments = parser.parse_args()
    print(json.dumps(evaluate(arguments.subjects, arguments.first_seed), indent=2))


if __name__ == "__main__":
    main()
