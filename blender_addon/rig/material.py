"""A material that Cycles, EEVEE, glTF and FBX understand alike: one picture into a Principled BSDF."""

import bpy
import numpy as np

_ROUGHNESS = 0.7  # cloth and skin in even light; shine would be baked into the photo already
_SPECULAR = 0.25


def build_material(name: str, texture: np.ndarray) -> bpy.types.Material:
    """Material with the baked texture (R, R, 4) uint8 sRGB, row 0 on top, packed into the .blend."""
    image = bpy.data.images.new(f"{name} Texture", texture.shape[1], texture.shape[0], alpha=False)
    image.colorspace_settings.name = "sRGB"
    pixels = texture[::-1].astype(np.float32) / 255  # Blender's first row is the bottom one
    pixels[..., 3] = 1.0  # the surface is opaque where the photo did not reach, too
    image.pixels.foreach_set(np.ascontiguousarray(pixels).ravel())
    image.update()
    image.pack()

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
    return material


def material_image(material: bpy.types.Material) -> bpy.types.Image | None:
    """The picture that `build_material` packed; None when the user took it out."""
    for node in material.node_tree.nodes if material.node_tree else ():
        if node.type == "TEX_IMAGE" and node.image is not None:
            return node.image
    return None
