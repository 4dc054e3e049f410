"""Photo to texture: the atlas, sampling with occlusion, classical completion, and the neural texture they make."""

from neural_core.texture.atlas import Atlas, lookup, texel_to_uv, uv_to_texel
from neural_core.texture.completion import CompletionConfig, complete
from neural_core.texture.neural_texture import NeuralTexture, TextureLayout
from neural_core.texture.occlusion import OcclusionConfig, occlusion_map
from neural_core.texture.preview import shade, shade_with_alpha
from neural_core.texture.sampling import PartialTexture, SamplingConfig, sample_texture, vertex_normals
from neural_core.texture.surface_graph import mirror_texels, seam_neighbours

__all__ = [
    "Atlas",
    "CompletionConfig",
    "NeuralTexture",
    "OcclusionConfig",
    "PartialTexture",
    "SamplingConfig",
    "TextureLayout",
    "complete",
    "lookup",
    "mirror_texels",
    "occlusion_map",
    "sample_texture",
    "seam_neighbours",
    "shade",
    "shade_with_alpha",
    "texel_to_uv",
    "uv_to_texel",
    "vertex_normals",
]
