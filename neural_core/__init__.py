"""The neural half of Likeness: one photo in, an animatable, neurally textured avatar out.

Importing this package costs nothing: Blender imports `neural_core.wire` and `neural_core.motion` from it, so neither
torch nor any other heavy library may be imported here.
"""

__version__ = "0.1.0"
