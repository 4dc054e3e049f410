"""A material that Cycles, EEVEE, glTF and FBX understand alike: one picture into a Principled BSDF."""

import struct
import zlib
from collections.abc import Generator

import bpy
import numpy as np

_ROUGHNESS = 0.7  # cloth and skin in even light; shine would be baked into the photo already
_SPECULAR = 0.25
_STRIP = 128  # rows compressed at a time: some 10 ms of a 1024 x 1024 picture


def build_material(name: str, texture: np.ndarray) -> Generator[None, None, bpy.types.Material]:
    """Material with the baked texture (R, R, 4) uint8 sRGB, row 0 on top, packed into the .blend.

    Yields between pieces of work that take some milliseconds each.
    """
    image = yield from packed_image(f"{name} Texture", texture)

    material = bpy.data.materials.new(name)
    if material.node_tree is None:  # Blender 4.5; from 5.0 on every material has nodes
        material.use_nodes = True
    tree = material.node_tree
    assert tree is not None
    tree.nodes.clear()
    output = tree.nodes.new("ShaderNodeOutputMaterial")
    shader = tree.nodes.new("ShaderNodeBsdfPrincipled")
    shader.inputs["Roughness"].default_value = _ROUGHNESS
    shader.inputs["Specular IOR Level"].default_value = _SPECULAR
    picture = tree.nodes.new("ShaderNodeTexImage")
    picture.image = image
    picture.location, shader.location, output.location = (-320, 0), (0, 0), (320, 0)
    tree.links.new(picture.outputs["Color"], shader.inputs["Base Color"])
    tree.links.new(shader.outputs["BSDF"], output.inputs["Surface"])
    tree.nodes.active = picture  # what Texture Paint paints on
    return material


def packed_image(name: str, texture: np.ndarray) -> Generator[None, None, bpy.types.Image]:
    """A texture (R, R, 4) uint8 sRGB, row 0 on top, as a picture in the .blend; yields as `build_material`."""
    file = yield from _png(texture[..., :3])  # the surface is opaque where the photo did not reach, too
    image = bpy.data.images.new(name, 8, 8, alpha=False)
    image.colorspace_settings.name = "sRGB"
    image.pack(data=file, data_len=len(file))  # much faster than handing over pixels for Blender to compress
    image.source = "FILE"
    yield
    return image


def material_image(material: bpy.types.Material) -> bpy.types.Image | None:
    """The picture that `build_material` packed; None when the user took it out."""
    for node in material.node_tree.nodes if material.node_tree else ():
        if node.type == "TEX_IMAGE" and node.image is not None:
            return node.image
    return None


def _png(rgb: np.ndarray) -> Generator[None, None, bytes]:
    """A PNG file of (H, W, 3) uint8, lightly compressed."""
    height, width = rgb.shape[:2]
    rows = np.zeros((height, 1 + 3 * width), np.uint8)  # each row begins with its filter: none
    rows[:, 1:] = rgb.reshape(height, -1)
    packer, packed = zlib.compressobj(1), []
    for start in range(0, height, _STRIP):
        packed.append(packer.compress(rows[start : start + _STRIP].tobytes()))
        yield
    packed.append(packer.flush())

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)  # 8 bits per channel, RGB
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", b"".join(packed)) + chunk(b"IEND", b"")
