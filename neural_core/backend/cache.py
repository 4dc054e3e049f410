"""What stays loaded between requests: the body, the renderer's weights, and the avatars drawn last."""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from neural_core.errors import AvatarMissing

if TYPE_CHECKING:
    import torch

    from neural_core.avatar import Avatar
    from neural_core.backend.photo_session import PhotoSessions
    from neural_core.body import BodyModel
    from neural_core.networks import RendererNetwork
    from neural_core.rendering import AvatarRenderer
    from neural_core.texture import NeuralTexture

_PAINTED = 4  # textures that are being painted; about 14 MB each
_AVATARS = 16  # about 14 MB each: a crowd of 16 people is drawn without reading a file twice


class Cache:
    """Loads lazily; an avatar whose file changed is read again."""

    def __init__(self, device: "torch.device"):
        self.device = device
        self._avatars: OrderedDict[tuple[str, int, int], Avatar] = OrderedDict()
        self._painted: OrderedDict[tuple[str, str], tuple[Avatar, NeuralTexture]] = OrderedDict()
        self._bodies: dict[tuple[str, int], BodyModel] = {}
        self._renderers: dict[str, AvatarRenderer] = {}
        self._network: RendererNetwork | None = None

    @cached_property
    def photos(self) -> "PhotoSessions":
        """The photos that are open beside a viewport."""
        from neural_core.backend.photo_session import PhotoSessions

        return PhotoSessions()

    def avatar(self, path: str) -> "Avatar":
        """The avatar in a file; raises AvatarFileError."""
        from neural_core.avatar import Avatar

        file = Path(path)
        try:
            state = file.stat()
        except OSError as error:
            raise AvatarMissing(f"There is no avatar file '{path}': check the path.") from error
        key = (str(file), state.st_mtime_ns, state.st_size)
        if key not in self._avatars:
            self._avatars[key] = Avatar.load(file)
            for stale in [other for other in self._avatars if other[0] == key[0] and other != key]:
                del self._avatars[stale]
            while len(self._avatars) > _AVATARS:
                self._avatars.popitem(last=False)
        self._avatars.move_to_end(key)
        return self._avatars[key]

    def painted(self, path: str, state: str, picture: "Callable[[], torch.Tensor]") -> "NeuralTexture":
        """The texture of an avatar with what was painted on it.

        state: differs when the picture does. picture: gives it, (3, D, D), when it is not the one of the last call.
        """
        from neural_core.backend.painting import repaint

        avatar, key = self.avatar(path), (path, state)
        if key not in self._painted or self._painted[key][0] is not avatar:
            self._painted[key] = avatar, repaint(avatar.texture, picture())
            while len(self._painted) > _PAINTED:
                self._painted.popitem(last=False)
        self._painted.move_to_end(key)
        return self._painted[key][1]

    def body(self, avatar: "Avatar") -> "BodyModel":
        """The body model an avatar belongs to, moving as its clothes do.

        Raises:
            BodyFileError: it is a licensed body that this machine does not have. AvatarFileError: it does not fit.
        """
        return avatar.on(self._shared(avatar))

    def _shared(self, avatar: "Avatar") -> "BodyModel":
        """The body model that all avatars made on it have, whatever they wear."""
        key = avatar.body_name, len(avatar.rest_offsets)
        if key not in self._bodies:
            self._bodies[key] = replace(avatar, skin=None).body()
        return self._bodies[key]

    def renderer(self, avatar: "Avatar") -> "AvatarRenderer":
        """The renderer for the avatar's body; raises BodyFileError, AvatarFileError or WeightsError."""
        from neural_core.rendering import AvatarRenderer, load_renderer

        body = self._shared(avatar)
        if body.name not in self._renderers:
            if self._network is None:
                self._network = load_renderer(device=self.device)
            self._renderers[body.name] = AvatarRenderer(body, self._network)
        return self._renderers[body.name]
