"""Makes `walk.npz`: a looping walk on the spot, 24 frames at 24 per second, one stride (two steps).

`python -m neural_core.data.make_walk` writes it. Joint angles follow normative gait curves (Winter, Biomechanics and
Motor Control of Human Movement, 2009, chapter 5), rounded; the pelvis's height follows from the feet standing on the
ground. All of it is our own work.
"""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from scipy.interpolate import CubicSpline

from neural_core import quaternions
from neural_core.body import BodyModel, BodyParameters, load_open_body
from neural_core.body.skeleton import JOINT_INDEX
from neural_core.motion import Motion, write_motion

FRAMES, FPS = 24, 24.0
PATH = Path(__file__).parent / "walk.npz"

# Percent of the stride since the heel of that leg struck -> degrees.
_HIP_FLEXION = {0: 26, 12: 20, 30: 5, 50: -11, 61: -4, 74: 21, 86: 30, 94: 28}
_KNEE_FLEXION = {0: 4, 13: 16, 27: 11, 40: 6, 50: 13, 61: 40, 71: 63, 83: 40, 95: 5}
_ANKLE_DORSIFLEXION = {0: -1, 8: -7, 25: 3, 44: 8, 53: -2, 63: -17, 73: -3, 82: 5, 92: 3}
_TOE_EXTENSION = {0: 4, 10: 0, 38: 0, 50: 17, 58: 26, 65: 8, 74: 5, 82: 8, 92: 6}
_TOE_OUT = 5.0
_ADDUCTION = 3.0  # the feet step nearly under the middle of the body

_PELVIS_YAW, _PELVIS_DROP, _PELVIS_TILT = 5.0, 3.5, 2.0
_THORAX_YAW = 4.0  # against the pelvis
_LEAN = 1.5
_SWAY = 0.022  # metres towards the standing leg
_ARM_DOWN, _COLLAR_DOWN, _ARM_FORWARD = 68.0, 6.0, 1.0
_ARM_SWING, _ELBOW, _ELBOW_SWING = 19.0, 24.0, 11.0
_WRIST_LAG = 6.0
_ARM_TWIST, _HAND_TWIST = 6.0, 8.0  # palms towards the thighs and a little backward
_FINGER_CURL = 9.0  # on top of the relaxed hand


def make_walk(body: BodyModel) -> Motion:
    """The walk on `body`: poses (24, 55, 3), trans (24, 3); frame 24 would be frame 0 again."""
    left = np.arange(FRAMES) / FRAMES  # phase of the left leg: its heel strikes in frame 0
    right = (left + 0.5) % 1.0
    q = np.zeros((FRAMES, 55, 4))
    q[..., 0] = 1.0

    def put(joint: str, *turns: tuple[str, np.ndarray | float]) -> None:
        """Turn a joint about fixed axes of its parent, the first turn first, degrees."""
        for axis, degrees in turns:
            q[:, JOINT_INDEX[joint]] = quaternions.multiply(_about(axis, degrees), q[:, JOINT_INDEX[joint]])

    # The pelvis: its left side is foremost when the left heel strikes, and drops while the left leg swings.
    yaw = -_PELVIS_YAW * _wave(left, 0.02)
    drop = -_PELVIS_DROP * _wave(left, 0.18)
    put("pelvis", ("z", -drop), ("x", _PELVIS_TILT), ("y", yaw))
    thorax_yaw = _THORAX_YAW * _wave(left, 0.04)
    for spine, share in (("spine1", 0.3), ("spine2", 0.35), ("spine3", 0.35)):
        put(spine, ("z", share * drop), ("x", share * (_LEAN - _PELVIS_TILT)), ("y", share * (thorax_yaw - yaw)))
    put("neck", ("y", -0.5 * thorax_yaw), ("x", 1.0))
    put("head", ("y", -0.5 * thorax_yaw), ("x", -2.0 - 0.8 * _wave(2 * left, 0.1)))

    for side, sign, phase in (("left", 1.0, left), ("right", -1.0, right)):
        # A pelvis turned and dropped is taken back by the hip, so that the leg swings straight ahead.
        put(
            f"{side}_hip",
            ("z", -sign * _ADDUCTION + drop),
            ("x", -_curve(_HIP_FLEXION, phase)),
            ("y", sign * _TOE_OUT - 0.8 * yaw),
        )
        put(f"{side}_knee", ("x", _curve(_KNEE_FLEXION, phase)))
        put(f"{side}_ankle", ("x", -_curve(_ANKLE_DORSIFLEXION, phase)), ("z", sign * _ADDUCTION))
        put(f"{side}_foot", ("x", -_curve(_TOE_EXTENSION, phase)))
        # An arm goes with the other leg.
        swing = -_wave(phase, 0.03)  # +1 foremost
        put(f"{side}_collar", ("z", -sign * _COLLAR_DOWN), ("y", -sign * 2.5 * swing))
        forward = _ARM_FORWARD + _ARM_SWING * swing
        put(f"{side}_shoulder", ("x", _ARM_TWIST), ("z", -sign * _ARM_DOWN), ("x", -forward))
        put(f"{side}_elbow", ("y", -sign * (_ELBOW + _ELBOW_SWING * -_wave(phase, 0.10))))
        put(f"{side}_wrist", ("x", _HAND_TWIST), ("y", -sign * (4.0 - _WRIST_LAG * _wave(phase, 0.22))))
        for finger in ("index", "middle", "ring", "pinky"):
            for number in (1, 2, 3):
                put(f"{side}_{finger}{number}", ("z", -sign * _FINGER_CURL))

    relaxed = quaternions.from_axis_angle(body.hands_mean.numpy().astype(np.float64))
    q[:, 25:55] = quaternions.multiply(q[:, 25:55], np.broadcast_to(relaxed, (FRAMES, 30, 4)))
    poses = quaternions.to_axis_angle(q)
    sway = _SWAY * _wave(left, 0.27)
    trans = np.stack([sway, np.zeros(FRAMES), np.zeros(FRAMES)], axis=1)
    trans[:, 1] = _standing_height(body, poses)
    return Motion(poses=poses, trans=trans, fps=FPS)


def _curve(keys: Mapping[int, float], phase: np.ndarray) -> np.ndarray:
    """A smooth periodic curve through {percent of stride: value} at phases in [0, 1)."""
    at = np.array([*keys, 100.0]) / 100
    values = np.array([*keys.values(), next(iter(keys.values()))])
    return CubicSpline(at, values, bc_type="periodic")(phase)


def _wave(phase: np.ndarray, peak: float) -> np.ndarray:
    """A cosine that is one at `peak`."""
    return np.cos(2 * np.pi * (phase - peak))


def _about(axis: str, degrees: np.ndarray | float) -> np.ndarray:
    """Quaternions (N, 4) about x, y or z."""
    turn = np.zeros((FRAMES, 3))
    turn[:, "xyz".index(axis)] = np.radians(degrees)
    return quaternions.from_axis_angle(turn)


def _standing_height(body: BodyModel, poses: np.ndarray) -> np.ndarray:
    """(N,) metres: how high the pelvis rides so that the lower foot stands on y = 0; smooth, twice per stride."""
    people = BodyParameters.zeros(FRAMES).with_full_pose(torch.from_numpy(poses).float())
    lowest = -body(people).vertices[..., 1].amin(1).numpy().astype(np.float64)
    spectrum = np.fft.rfft(lowest)
    spectrum[[1, 3]] = 0  # both steps are the same step
    spectrum[5:] = 0  # what is faster than a footfall is noise of the sole's outline
    return np.fft.irfft(spectrum, FRAMES)


if __name__ == "__main__":
    write_motion(PATH, make_walk(load_open_body()))
    print(f"{PATH}: {PATH.stat().st_size} bytes")
