"""BVH files: a skeleton and its motion, as motion capture studios and Mixamo hand them on. Standard library and numpy.

The format (Biovision, 1990s): HIERARCHY, a tree of joints with an OFFSET from the parent and the names of its CHANNELS;
MOTION, the frames, each a number for every channel in the order of the tree. Rotations are degrees and apply in the
order in which they are named.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from neural_core import quaternions
from neural_core.errors import MotionError

_MAX_BYTES = 512 << 20  # half an hour of a skeleton with fingers at 120 frames per second
_MAX_JOINTS = 1000
_MAX_DEPTH = 200
_CHANNELS = {f"{axis}{kind}": (kind, "XYZ".index(axis)) for axis in "XYZ" for kind in ("position", "rotation")}


@dataclass(frozen=True)
class Bvh:
    """A skeleton over time, in the file's own units and axes.

    Attributes:
        names: J joints, parents first. parents: (J,) indices, -1 at the root. offsets: (J, 3) from the parent, at rest.
        ends: (J, 3) where a last joint's own end is, from it; zero where the file names none.
        rotations: (N, J, 4) quaternions w x y z, in the parent's axes. root: (N, 3) where the root joint is.
        fps: frames per second.
    """

    names: tuple[str, ...]
    parents: np.ndarray
    offsets: np.ndarray
    ends: np.ndarray
    rotations: np.ndarray
    root: np.ndarray
    fps: float

    @property
    def rest_positions(self) -> np.ndarray:
        """(J, 3) with every rotation zero and the root at its offset."""
        positions = self.offsets.copy()
        for joint, parent in enumerate(self.parents):
            if parent >= 0:
                positions[joint] += positions[parent]
        return positions

    def global_rotations(self) -> np.ndarray:
        """(N, J, 3, 3) of each joint against the world."""
        matrices = quaternions.to_matrices(self.rotations)
        for joint, parent in enumerate(self.parents):
            if parent >= 0:
                matrices[:, joint] = matrices[:, parent] @ matrices[:, joint]
        return matrices


def read_bvh(path: Path | str) -> Bvh:
    """Read a BVH file; raises MotionError when it is none, is damaged or too large."""
    path = Path(path)
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise MotionError(f"'{path.name}' has more than 512 MB: cut the motion into shorter files.")
        text = path.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError as error:
        raise MotionError(f"There is no motion file '{path}': check the name.") from error
    except OSError as error:
        raise MotionError(f"The motion file '{path}' cannot be read ({error.strerror or error}).") from error
    head, found, tail = text.partition("MOTION")
    try:
        if not found:
            raise ValueError("it has no MOTION part")
        tree = _Tree(head.split())
        return _with_motion(tree, tail)
    except (ValueError, IndexError, OverflowError) as error:
        raise MotionError(f"'{path.name}' is not a whole BVH file ({error}): export it again.") from error


class _Tree:
    """The HIERARCHY part; raises ValueError or IndexError where it is broken."""

    def __init__(self, words: list[str]):
        self.names: list[str] = []
        self.parents: list[int] = []
        self.offsets: list[list[float]] = []
        self.ends: dict[int, list[float]] = {}
        self.channels: list[tuple[int, str, int]] = []  # joint, kind, axis
        self._read(words)
        if not self.names:
            raise ValueError("it has no joints")

    def _read(self, words: list[str]) -> None:
        """One pass over the words; the stack holds the joints that are open, None for an end site."""
        stack: list[int | None] = []
        opened: int | None = None
        place = 0
        while place < len(words):
            word = words[place]
            if word in ("ROOT", "JOINT"):
                if len(self.names) >= _MAX_JOINTS or len(stack) > _MAX_DEPTH:
                    raise ValueError("it has too many joints")
                parent = next((joint for joint in reversed(stack) if joint is not None), -1)
                if parent < 0 and self.names:
                    raise ValueError("it has several roots")
                opened = len(self.names)
                self.names.append(words[place + 1])
                self.parents.append(parent)
                self.offsets.append([0.0, 0.0, 0.0])
                place += 2
            elif word == "End":
                opened = None
                place += 2
            elif word == "{":
                stack.append(opened)
                place += 1
            elif word == "}":
                stack.pop()
                place += 1
            elif word == "OFFSET":
                values = [float(value) for value in words[place + 1 : place + 4]]
                joint = stack[-1]
                if joint is not None:
                    self.offsets[joint] = values
                else:
                    above = next(j for j in reversed(stack) if j is not None)
                    self.ends[above] = values
                place += 4
            elif word == "CHANNELS":
                count, joint = int(words[place + 1]), stack[-1]
                if joint is None or not 0 <= count <= 6:
                    raise ValueError("its channels are broken")
                for name in words[place + 2 : place + 2 + count]:
                    if name not in _CHANNELS:
                        raise ValueError(f"it has a channel '{name}'")
                    self.channels.append((joint, *_CHANNELS[name]))
                place += 2 + count
            elif word == "HIERARCHY":
                place += 1
            else:
                raise ValueError(f"'{word[:30]}' is not expected there")


def _with_motion(tree: _Tree, text: str) -> Bvh:
    words = text.replace("Frame Time:", "FrameTime:").split()
    if len(words) < 4 or words[0] != "Frames:" or words[2] != "FrameTime:":
        raise ValueError("its frames are not announced")
    count, seconds = int(words[1]), float(words[3])
    values = np.array(words[4 : 4 + count * len(tree.channels)], dtype=np.float64)
    if not count > 0 or values.size != count * len(tree.channels):
        raise ValueError("frames are missing")
    if not np.isfinite(values).all() or not 1e-4 < seconds < 10:
        raise ValueError("it holds numbers that make no sense")
    values = values.reshape(count, -1)
    offsets = np.array(tree.offsets)
    if not np.isfinite(offsets).all():
        raise ValueError("its offsets are not finite")
    rotations = np.zeros((count, len(tree.names), 4))
    rotations[..., 0] = 1.0
    root = np.repeat(offsets[:1], count, axis=0)
    for column, (joint, kind, axis) in enumerate(tree.channels):
        if kind == "rotation":
            turn = np.zeros((count, 3))
            turn[:, axis] = np.radians(values[:, column])
            rotations[:, joint] = quaternions.multiply(rotations[:, joint], quaternions.from_axis_angle(turn))
        elif tree.parents[joint] < 0:
            root[:, axis] = values[:, column]
    ends = np.zeros_like(offsets)
    for joint, end in tree.ends.items():
        ends[joint] = end
    return Bvh(tuple(tree.names), np.array(tree.parents), offsets, ends, rotations, root, 1 / seconds)
