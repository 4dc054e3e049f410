"""What can be wrong with a scene."""

from neural_core.errors import LikenessError


class SceneError(LikenessError):
    """The scene holds something that the engine cannot draw."""

    code = "scene"
