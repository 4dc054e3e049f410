"""Held-out synthetic people: `likeness evaluate synthetic`.

Every person's avatar is made by the product itself from one photo and drawn where the truth is known: in the photo's
view, from other sides, in other poses; baselines and ablations see the same photo. One line of JSON per person goes to
the folder as soon as it is measured, so that a run can be stopped and continued.
"""

import json
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from neural_core.avatar import Avatar
from neural_core.body import BodyModel, load_open_body
from neural_core.errors import PhotoError
from neural_core.evaluation import baselines
from neural_core.evaluation.landmarks import GROUND, Landmarks, body_distance, face_distances, shows_face
from neural_core.evaluation.metrics import EvaluationError, perceptual_networks, picture_scores
from neural_core.evaluation.synthetic_people import (
    PHOTO_VIEWS,
    Subject,
    evidence_of,
    make_subject,
    noisy_fit,
    seen_by_detectors,
)
from neural_core.evaluation.synthetic_scenes import Scene, scenes_of
from neural_core.fitting import BodyFit, fit_body
from neural_core.inpainting.completing import chosen_method
from neural_core.output import check_writable
from neural_core.photo import PhotoEvidence
from neural_core.pictures import over, to_uint8, write_png
from neural_core.pipeline import Creation, create_avatar
from neural_core.progress import Progress
from neural_core.rendering import AvatarRenderer, Frame, load_renderer
from neural_core.texture import NeuralTexture
from neural_core.training.people.views import HELD_OUT_FIRST_SEED

VERSION = 4  # of the protocol: results of another one are not continued
_VARIANT_VIEWS = ("same", "yaw 90", "yaw 180", "pose")
_MERGED_VIEWS = ("yaw 45", "yaw 135", "orbit 45", "orbit 135", "pose")  # none of the four photos shows them
_STRIPS = 8  # people with pictures
_CLASSICAL = "classical completion"
_MIRRORED = "mirror + harmonic"


@dataclass(frozen=True)
class SyntheticConfig:
    """What is measured; kept with the results.

    Attributes:
        inpainting: of the product: "auto", "diffusion" or "classical".
        real_fit: the product's detectors and fit in all views instead of true landmarks and fit noise.
        seed: of what is random in making the avatars. landmarks: AKD by MediaPipe, too.
        baselines_every, photos_every, refine_every: every how many people baselines and ablations are measured; four
            photos; the refinement of appendix B. 0 is never.
    """

    inpainting: str = "auto"
    real_fit: bool = False
    seed: int = 0
    landmarks: bool = False
    baselines_every: int = 1
    photos_every: int = 2
    refine_every: int = 6


def evaluate_synthetic(
    out: Path,
    subjects: int = 200,
    config: SyntheticConfig | None = None,
    progress: Progress | None = None,
    first: int = 0,
) -> list[dict[str, Any]]:
    """Measure `subjects` held-out people from number `first`; those in `out/subjects.jsonl` are not measured again.

    Returns:
        The records of all people in the folder; the lines of several folders may be put into one.

    Raises:
        EvaluationError: the folder holds results of another protocol or configuration. OutputError.
    """
    config, progress = config or SyntheticConfig(), progress or Progress()
    if subjects < 1 or first < 0:
        raise EvaluationError("--subjects must be at least 1, and --first at least 0.")
    path = out / "subjects.jsonl"
    check_writable(path)
    header = {"version": VERSION, **asdict(config)}
    done = _read(path, header)
    if not path.exists():
        path.write_text(json.dumps(header) + "\n")
    body = load_open_body()
    bench = Bench(body, AvatarRenderer(body, load_renderer()), config, out)
    for k in range(first, first + subjects):
        seed = HELD_OUT_FIRST_SEED + k
        progress.update((k - first) / subjects, f"Person {k}")
        if seed in done:
            continue
        record = bench.measure(seed, k)
        with path.open("a") as file:
            file.write(json.dumps(record) + "\n")
        done[seed] = record
    progress.update(1.0, "Done")
    return [done[seed] for seed in sorted(done)]


def _read(path: Path, header: dict[str, Any]) -> dict[int, dict[str, Any]]:
    """Records by seed; a last line torn by a full disk or a kill is left out and measured again."""
    if not path.exists():
        return {}
    lines = path.read_text().splitlines()
    try:
        found = json.loads(lines[0]) if lines else None
    except ValueError:
        found = None
    if found != header:
        raise EvaluationError(f"'{path}' holds results of other settings; choose another --out or delete it.")
    whole, records = [lines[0]], {}
    for line in lines[1:]:
        try:
            record = json.loads(line)
        except ValueError:
            continue
        whole.append(line)
        records[int(record["seed"])] = record
    if len(whole) < len(lines):
        path.write_text("\n".join(whole) + "\n")
    return records


class Bench:
    """Measures one person after the other."""

    def __init__(self, body: BodyModel, renderer: AvatarRenderer, config: SyntheticConfig, out: Path):
        self.body, self.renderer, self.config, self.out = body, renderer, config, out
        self.how: dict[str, Any] = {"seed": config.seed, "inpainting": config.inpainting, "body": body}

    def measure(self, seed: int, k: int) -> dict[str, Any]:
        """The record of a person, ready for JSON. k: their number, for what is measured of some only."""
        start = time.perf_counter()
        subject = make_subject(self.body, seed)
        record: dict[str, Any] = {"seed": seed, "groups": list(subject.groups), "rows": []}
        try:
            evidence, fit = self._seen(subject, 0)
        except PhotoError as error:
            return {**record, "missed": str(error)}
        creation = create_avatar(
            f"person {seed}", prepared=[(evidence, fit)], **self.how
        )  # fmt: skip
        avatar = creation.avatar
        record["provenance"] = avatar.provenance.get("completion")
        record["fit_errors"] = avatar.fit_errors
        scenes = scenes_of(subject, avatar, self.body, self._photo(evidence))
        record["missed_views"] = _missed(subject, scenes)
        self._product(subject, avatar, scenes, record, pictures=k < _STRIPS)
        if _every(self.config.baselines_every, k):
            self._variants(creation, scenes, record)
        if _every(self.config.refine_every, k):
            self._refined(creation, scenes, record)
        if _every(self.config.photos_every, k):
            self._several_photos(subject, (evidence, fit), record)
        record["seconds"] = round(time.perf_counter() - start, 1)
        return record

    def _seen(self, subject: Subject, view: int) -> tuple[PhotoEvidence, BodyFit]:
        if self.config.real_fit:
            evidence = seen_by_detectors(subject, view)
            return evidence, fit_body(evidence, self.body)
        return evidence_of(subject, view), noisy_fit(subject, view)

    def _photo(self, evidence: PhotoEvidence) -> PhotoEvidence | None:
        """For `scenes_of`."""
        return evidence if self.config.real_fit else None

    def _product(
        self, subject: Subject, avatar: Avatar, scenes: list[Scene], record: dict[str, Any], pictures: bool
    ) -> None:
        strip = []
        for scene in scenes:
            frame = self.renderer.render(scene.vertices, scene.camera, avatar.texture)
            row = scores("product", scene, frame, whole=True)
            drawn = over(frame, GROUND)
            truth = to_uint8(scene.view.truth * scene.view.mask + GROUND * (1 - scene.view.mask))
            if self.config.landmarks:
                row |= _landmark_scores(drawn, truth)
            if scene.name in ("same", "yaw 180"):
                row["face_found"] = shows_face(drawn, frame.alpha.numpy())
                row["face_found_truth"] = shows_face(truth, scene.view.mask.numpy())
            record["rows"].append(row)
            strip.append(np.concatenate([truth, drawn], axis=0))
        if pictures:
            write_png(self.out / f"{subject.seed}.png", np.concatenate(strip, axis=1)[::2, ::2].copy())

    def _variants(self, creation: Creation, scenes: list[Scene], record: dict[str, Any]) -> None:
        """Baselines and ablations: the same photo, fit and clothed shape, another texture."""
        avatar, body = creation.avatar, self.body
        look = (creation.sights[0], avatar.rest_offsets, avatar.on(body))
        shown = baselines.sample(*look)
        textures = {
            "mean colour": baselines.mean_colour(shown, body),
            "no inpainting": baselines.not_inpainted(shown, body),
            _MIRRORED: baselines.mirror_and_harmonic(shown, body),
            f"{_CLASSICAL}, no occlusion map": baselines.completed(
                baselines.sample(*look, baselines.NO_OCCLUSION), body
            ),
        }
        diffusion = record["provenance"] == "diffusion"
        if diffusion:
            textures[_CLASSICAL] = baselines.completed(shown, body)
        else:  # the product itself is that baseline
            ours = [row for row in record["rows"] if row["variant"] == "product"]
            record["rows"] += [{**row, "variant": _CLASSICAL} for row in ours]
        if not diffusion and baselines.can_inpaint():
            textures["diffusion"] = baselines.completed(shown, body, "diffusion", self.config.seed)
        wanted = [scene for scene in scenes if scene.name in _VARIANT_VIEWS]
        for name, texture in textures.items():
            self._draw(name, wanted, texture, record)
        for scene in wanted:
            frame = baselines.pasted(scene.vertices, body, scene.camera, shown.detail)
            record["rows"].append(scores("texture pasted", scene, frame))

    def _refined(self, creation: Creation, scenes: list[Scene], record: dict[str, Any]) -> None:
        from neural_core.rendering.refinement import refine

        avatar, evidence = creation.avatar, creation.evidence
        shown = baselines.sample(creation.sights[0], avatar.rest_offsets, avatar.on(self.body))
        vertices = avatar.on(self.body)(avatar.parameters, avatar.rest_offsets).vertices[0]
        image, mask = torch.from_numpy(evidence.image).permute(2, 0, 1), torch.from_numpy(evidence.mask)
        texture = refine(
            avatar.texture, shown.small.facing, image, mask, vertices, avatar.camera, self.renderer
        )  # fmt: skip
        wanted = [scene for scene in scenes if scene.name in _VARIANT_VIEWS]
        self._draw("product, refined", wanted, texture, record)

    def _several_photos(self, subject: Subject, first: tuple[PhotoEvidence, BodyFit], record: dict[str, Any]) -> None:
        """Front, back and both sides, by the product; and the same photos averaged without regard to facing."""
        chosen = [k for k, view in enumerate(subject.views) if view.name in PHOTO_VIEWS]
        try:
            seen = [first, *(self._seen(subject, k) for k in chosen[1:])]
        except PhotoError:
            return  # a detector that misses a back leaves nothing to merge
        names = [f"person {subject.seed} {subject.views[k].name}" for k in chosen]
        creation = create_avatar(names, prepared=seen, **self.how)
        avatar = creation.avatar
        wanted = [
            scene
            for scene in scenes_of(subject, avatar, self.body, self._photo(first[0]))
            if scene.name in _MERGED_VIEWS
        ]
        self._draw("4 photos", wanted, avatar.texture, record)
        shown = [baselines.sample(sight, avatar.rest_offsets, avatar.on(self.body)) for sight in creation.sights]
        method = chosen_method(self.config.inpainting, 1)
        averaged = baselines.completed(
            baselines.averaged(baselines.matched(shown)), self.body, method, self.config.seed
        )
        self._draw("4 photos, averaged", wanted, averaged, record)

    def _draw(self, name: str, scenes: list[Scene], texture: NeuralTexture, record: dict[str, Any]) -> None:
        for scene in scenes:
            frame = self.renderer.render(scene.vertices, scene.camera, texture)
            record["rows"].append(scores(name, scene, frame))


def _missed(subject: Subject, scenes: list[Scene]) -> list[str]:
    """Views in which the detectors found nobody."""
    shown = [scene.view for scene in scenes]
    return [v.name for v in subject.views if v.name != "other side" and not any(v is one for one in shown)]


def _every(many: int, k: int) -> bool:
    return many > 0 and k % many == 0


def scores(variant: str, scene: Scene, frame: Frame, whole: bool = False) -> dict[str, Any]:
    """One row: what was drawn, of which view, and how well."""
    view = scene.view
    measured = picture_scores(
        frame.rgb.cpu(), frame.alpha.cpu(), view.truth, view.mask, perceptual_networks(), whole=whole
    )  # fmt: skip
    return {"variant": variant, "view": scene.name, **{name: round(value, 4) for name, value in measured.items()}}


def _landmark_scores(drawn: np.ndarray, truth: np.ndarray) -> dict[str, float]:
    found, wanted = Landmarks.of(drawn), Landmarks.of(truth)
    if found is None or wanted is None:
        return {}
    height = float(np.ptp(wanted.pose[:, 1]) * 1.12)
    akd_face, shape = face_distances(found, wanted)
    body = body_distance(found, wanted, height, truth.shape[:2])
    return {"akd_body": round(body, 4), "akd_face": round(akd_face, 4), "face_shape": round(shape, 4)}
