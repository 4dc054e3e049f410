"""An avatar of one frame of a real video against all its other frames: `likeness evaluate video`.

The person is followed through the video (`fitting.sequence`), the avatar is drawn at the pose of every k-th frame where
the person stands, and the two pictures are compared. Fit noise is part of the product, and so of the numbers.
"""

from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from neural_core.avatar import Avatar
from neural_core.body import BodyModel
from neural_core.errors import PhotoError
from neural_core.evaluation.appearance import Appearance
from neural_core.evaluation.frames import video_frames
from neural_core.evaluation.landmarks import GROUND, Landmarks, body_distance, face_distances
from neural_core.evaluation.metrics import EvaluationError, perceptual_networks, picture_scores, psnr
from neural_core.evaluation.page import mean, means_table, number, write_json, write_page
from neural_core.evaluation.track import Track
from neural_core.fitting.sequence import FramePose, SequenceFit
from neural_core.fitting.smoothing import smoothed, velocity
from neural_core.output import check_writable
from neural_core.photo import PhotoEvidence
from neural_core.pictures import over, rgba, to_height, write_png
from neural_core.pipeline import create_avatar
from neural_core.progress import Progress
from neural_core.rendering import AvatarRenderer, Frame, load_renderer
from neural_core.rendering.light import Light, Sample, Turned, fit_light, sample_light, turned_since
from neural_core.rendering.shutter import exposed
from neural_core.texture.sampling import vertex_normals

# A frame counts as moving when the person holds another pose than in the source frame, or is on the way to one.
_OTHER_POSE = 1.5  # mean distance of the limb landmarks from the source's, centred, per cent of the height
_SPEED = 10.0  # per cent of the height per second
_CLOTHES_FRAMES = 40  # most that correct the clothed shape
_OPEN = 0.5  # share of the time between two frames for which the shutter is open: the film's half circle
_SHOWN = 12  # frames in the strip
_STRIP_HEIGHT = 420  # pixels
TARGETS = {"iou": 0.93, "psnr": 17.0, "akd_body": 1.0, "face_shape": 1.2}  # of the moving frames; issue 3
_COLUMNS = ["iou", "psnr", "psnr_union", "psnr_both", "ssim", "ms_ssim"]
_COLUMNS += ["akd_body", "akd_face", "face_shape", "residual_percent"]
_NOTES = [
    "iou, psnr (dB over the true person's pixels, what is not drawn counts as black), psnr_union (over the pixels of "
    "either), psnr_both (where both are), ssim and ms_ssim (person crop over grey) against the photo and its refined "
    "MediaPipe mask.",
    "Colours are in the video's light: one shading by the surface's direction and a gain a frame, estimated from the "
    "drawn frames (rendering/light.py); *_source_light is the same without, in the light of the source frame.",
    "What moves is as blurred as a shutter makes it that is open for half the time between two frames "
    "(rendering/shutter.py), by the poses of the frames beside; --no-shutter draws without.",
    "akd_body: mean distance of MediaPipe's body landmarks, per cent of the person's height; akd_face: of the 478 face "
    "landmarks, per cent of the face from forehead to chin; face_shape: the same after the best similarity. Both "
    "pictures are given to the detector whole, the drawing on grey.",
]


def evaluate_video(
    path: Path,
    out: Path,
    source: int = 0,
    step: int = 10,
    seed: int = 0,
    person: int | None = None,
    inpainting: str = "auto",
    light: bool = True,
    shutter: bool = True,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Measure; leave `%04d.png` (RGBA, the video's size), `masks/`, `strip.png`, `results.json`, `report.html`.

    Args:
        source: frame the avatar is made from. step: every how many frames is drawn, counted from the source.
        person: of the source frame, 0 the largest. inpainting: "auto", "diffusion" or "classical".
        light: draw in the video's light, estimated from its frames; else in the source frame's. shutter: blur motion.

    Raises:
        EvaluationError: no such frame, not a video. PhotoError: no usable person in the source frame. OutputError.
    """
    progress = progress or Progress()
    if step < 1 or source < 0:
        raise EvaluationError("--step must be at least 1 and --source at least 0.")
    check_writable(out / "results.json")
    info, frames = video_frames(path)
    photo = _source_photo(frames, source, out, path)
    making: dict[str, Any] = {"seed": seed, "person": person, "inpainting": inpainting}
    try:
        creation = create_avatar(photo, out / "avatar.likeness", **making, progress=progress.part(0, 0.1))
    except PhotoError as error:
        raise PhotoError(f"Frame {source} makes no avatar; choose another --source. {error}") from error
    avatar, body = creation.avatar, creation.avatar.body()

    follower = SequenceFit(body, avatar.parameters, avatar.rest_offsets, avatar.camera)
    hips = avatar.camera.project(body(avatar.parameters).joints[0, :1])[0][0].numpy()
    looks = Appearance(creation.evidence.image, creation.evidence.mask)
    track = Track(follower, info, step, source, float(avatar.camera.K[0, 0]), hips, looks)
    track.run(video_frames(path)[1], out, progress.part(0.1, 0.7))
    if not track.poses:
        raise EvaluationError(f"Nobody was found in any frame of {path.name}; choose another video.")
    rows = _score(track, path, avatar, body, out, light, shutter, progress.part(0.7, 0.97))

    groups = {"moving": [], "still": [], "source": []}
    for row in rows:
        groups[row["group"]].append(row)
    names = [name for name, value in rows[0].items() if isinstance(value, float)] if rows else []  # not the flags
    means = {group: {name: mean([row[name] for row in members]) for name in names} for group, members in groups.items()}
    for group, members in groups.items():
        means[group]["frames"] = float(len(members))
    results = {
        "video": path.name,
        "source": source,
        "step": step,
        "light": "estimated from the drawn frames" if light else "the source frame's",
        "shutter": _OPEN if shutter else 0.0,
        "size": [info.width, info.height],
        "fps": info.fps,
        "means": means,
        "targets_moving": TARGETS,
        "moving_frames": [row["frame"] for row in groups["moving"]],
        "still_frames": [row["frame"] for row in groups["still"]],
        "missed_frames": track.missed,
        "guessed_frames": sorted(track.missing()),
        "notes": _NOTES,
        "avatar": {"fit_errors": avatar.fit_errors, "provenance": avatar.provenance},
        "frames": rows,
    }
    write_json(results, out / "results.json")
    _page(results, means, out)
    progress.update(1.0, "Done")
    return results


def _source_photo(frames, source: int, out: Path, path: Path) -> Path:
    count = 0
    for index, picture in frames:
        if index == source:
            write_png(out / "source.png", np.array(picture))
            return out / "source.png"
        count = index + 1
    if not count:
        raise EvaluationError(f"No frame of {path.name} can be read; convert it to MP4.")
    raise EvaluationError(f"{path.name} has no frame {source}; choose a --source from 0 to {count - 1}.")


def _score(
    track: Track, path: Path, avatar: Avatar, body: BodyModel, out: Path, lit: bool, shutter: bool, progress: Progress
) -> list[dict[str, Any]]:
    """Settle, draw and measure the wanted frames; renders and the strip are written on the way."""
    poses, turned, light = _draw(track, path, avatar, body, out, shutter, progress.part(0, 0.7))
    wanted = sorted(poses)
    shown = {wanted[round(i)] for i in np.linspace(0, len(wanted) - 1, min(_SHOWN, len(wanted)))} if wanted else set()
    rows, strip = [], []
    for index, picture in video_frames(path)[1]:
        if index not in turned:
            continue
        progress.update(0.7 + 0.3 * len(rows) / len(turned), f"Measuring frame {index}")
        plain = _read_frame(out, index)
        gain = light.gain[wanted.index(index)] if index in poses else None
        frame = light.on(plain, turned[index], gain) if lit else plain
        write_png(out / f"{index:04d}.png", rgba(frame))
        if index not in poses:
            continue  # nobody was found there: there is nothing to measure by
        evidence, pose = track.with_mask(index, out), poses[index]
        moving = track.motion(track.numbers.index(index))
        is_moving = moving["other_pose_percent"] > _OTHER_POSE or moving["speed_percent"] > _SPEED
        group = "source" if index == track.source else "moving" if is_moving else "still"
        rows.append(
            {
                "frame": index,
                "group": group,
                **frame_scores(frame, picture, evidence),
                **_own_light_scores(plain, picture, evidence),
                "residual_percent": pose.residual_percent,
                "restarted": pose.restarted,
                "sides_swapped": pose.swapped,
                "face": evidence.face is not None,
                **moving,
            }
        )
        if index in shown:
            strip.append(_strip(frame, picture, evidence.mask))
    if strip:
        write_png(out / "strip.png", _grid(strip))
    return rows


def _draw(
    track: Track, path: Path, avatar: Avatar, body: BodyModel, out: Path, shutter: bool, progress: Progress
) -> tuple[dict[int, FramePose], dict[int, Turned], Light]:
    """Draw every wanted frame in the source's light; returns settled poses, turned normals, the video's light.

    Frames without a person are drawn between their neighbours and have no pose of their own.
    """
    renderer = AvatarRenderer(body, load_renderer())
    smooth = smoothed(track.poses, track.times, track.follower)
    wanted = [number for number in track.numbers if track.wanted(number)]
    _learn_clothes(track, smooth, wanted, out, progress.part(0, 0.3))
    guessed = track.missing()
    home = vertex_normals(body(avatar.parameters, avatar.rest_offsets).vertices[0], body.faces)
    sampled = avatar.texture.data[avatar.texture.layout.sampled]
    poses: dict[int, FramePose] = {}
    turned: dict[int, Turned] = {}
    samples: list[Sample] = []
    for index, picture in video_frames(path)[1]:
        if index not in guessed and index not in wanted:
            continue
        progress.update(0.3 + 0.7 * len(turned) / (len(wanted) + len(guessed)), f"Drawing frame {index}")
        if index in guessed:
            pose = guessed[index]
        else:
            evidence = track.with_mask(index, out)
            pose = poses[index] = track.follower.settle(evidence, smooth[track.numbers.index(index)])
        vertices = track.follower.vertices(pose)
        frame = renderer.render(vertices, pose.camera, avatar.texture)
        if shutter and index not in guessed:
            way = velocity(smooth, track.times, track.numbers.index(index), track.follower) * (_OPEN / track.info.fps)
            frame = exposed(frame, vertices, way, body.faces, pose.camera)
        write_png(out / f"{index:04d}.png", rgba(frame))
        turned[index] = turned_since(body, vertices, pose.camera, home, sampled)
        if index not in guessed:
            photo = torch.from_numpy(np.array(picture)).permute(2, 0, 1).float() / 255
            samples.append(sample_light(turned[index], frame, photo, torch.from_numpy(np.array(evidence.mask))))
    return poses, turned, fit_light(samples)


def _read_frame(out: Path, index: int) -> Frame:
    with Image.open(out / f"{index:04d}.png") as file:
        layers = torch.from_numpy(np.asarray(file, np.float32) / 255).permute(2, 0, 1)
    return Frame(layers[:3], layers[3], torch.full(layers.shape[1:], float("inf")))


def _own_light_scores(frame: Frame, picture: np.ndarray, evidence: PhotoEvidence) -> dict[str, float]:
    """Colours as drawn in the source frame's light."""
    truth = torch.from_numpy(np.array(picture)).permute(2, 0, 1).float() / 255
    person, there = torch.from_numpy(np.array(evidence.mask)) > 0.5, frame.alpha > 0.5
    drawn = frame.rgb * frame.alpha
    return {
        "psnr_source_light": psnr(drawn, truth, person),
        "psnr_both_source_light": psnr(drawn, truth, person & there),
    }


def _learn_clothes(track: Track, smooth: list[FramePose], wanted: list[int], out: Path, progress: Progress) -> None:
    """Correct the clothed shape by wanted frames all over the video."""
    chosen = wanted[:: -(-len(wanted) // _CLOTHES_FRAMES)] if wanted else []
    frames = []
    for count, index in enumerate(chosen):
        progress.update(count / len(chosen), "Looking at the clothes in motion")
        evidence = track.with_mask(index, out)
        frames.append((track.follower.settle(evidence, smooth[track.numbers.index(index)]), evidence))
    track.follower.learn_clothes(frames)


def frame_scores(frame: Frame, picture: np.ndarray, evidence: PhotoEvidence) -> dict[str, float]:
    """All measures of a drawn frame against the photo (H, W, 3) bytes."""
    truth = torch.from_numpy(np.array(picture)).permute(2, 0, 1).float() / 255
    mask = torch.from_numpy(np.array(evidence.mask))
    scores = picture_scores(frame.rgb.cpu(), frame.alpha.cpu(), truth, mask, perceptual_networks())
    drawn = Landmarks.of(over(frame, GROUND))
    seen = Landmarks(evidence.pose, evidence.face)
    akd_body = akd_face = shape = float("nan")
    if drawn is not None:
        akd_body = body_distance(drawn, seen, evidence.person_height_px, picture.shape[:2])
        akd_face, shape = face_distances(drawn, seen)
    return {**scores, "akd_body": akd_body, "akd_face": akd_face, "face_shape": shape}


def _strip(frame: Frame, picture: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Photo, drawing and twice their difference, side by side."""
    apart = np.abs(over(frame, 0.0).astype(np.float32) - (picture * mask[..., None]).astype(np.float32))
    shown = picture, over(frame, GROUND), (2 * apart).clip(0, 255).astype(np.uint8)
    return np.concatenate([to_height(p, _STRIP_HEIGHT) for p in shown], axis=1)


def _grid(strips: list[np.ndarray], columns: int = 3) -> np.ndarray:
    blank = np.full_like(strips[0], 255)
    padded = strips + [blank] * (-len(strips) % columns)
    rows = [np.concatenate(padded[k : k + columns], axis=1) for k in range(0, len(padded), columns)]
    return np.concatenate(rows)


def _page(results: dict[str, Any], means: dict[str, dict[str, float]], out: Path) -> None:
    rows = results["frames"]
    columns = [*_COLUMNS, *perceptual_networks()]
    per_frame = [[str(r["frame"]), r["group"], *(number(r.get(c)) for c in columns)] for r in rows]
    targets = {"target, moving": TARGETS}
    missed = ", ".join(str(n) for n in results["missed_frames"]) or "none"
    notes = [f"Avatar from frame {results['source']} of {results['video']}; nobody found in: {missed}.", *_NOTES]
    tables = {
        "Means": means_table({**means, **targets}, [*columns, "frames"]),
        "Frames": (["frame", "group", *columns], per_frame),
    }
    pictures = {"Photo, drawing, twice the difference": "strip.png"} if (out / "strip.png").is_file() else {}
    write_page(out / "report.html", f"{results['video']}: avatar against video", notes, tables, pictures)


def summary(results: dict[str, Any]) -> str:
    """The means as lines for a terminal."""
    head, rows = means_table({**results["means"], "target, moving": TARGETS}, [*_COLUMNS, "frames"])
    return "\n".join("".join(f"{cell:>17}" for cell in row) for row in (head, *rows))
