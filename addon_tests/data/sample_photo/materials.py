"""What things are made of, as Blender shader nodes."""

import bpy


def material(name: str, build) -> bpy.types.Material:
    made = bpy.data.materials.new(name)
    made.use_nodes = True
    nodes, links = made.node_tree.nodes, made.node_tree.links
    principled = nodes["Principled BSDF"]
    build(nodes, links, principled)
    return made


def weave(nodes, links, principled, scale: float, strength: float) -> None:
    """Fine bump of woven cloth."""
    coordinates = nodes.new("ShaderNodeAttribute")
    coordinates.attribute_name = "rest"
    noise = nodes.new("ShaderNodeTexNoise")
    noise.inputs["Scale"].default_value = scale
    noise.inputs["Detail"].default_value = 6
    bump = nodes.new("ShaderNodeBump")
    bump.inputs["Strength"].default_value = strength
    bump.inputs["Distance"].default_value = 0.002
    links.new(coordinates.outputs["Vector"], noise.inputs["Vector"])
    links.new(noise.outputs["Fac"], bump.inputs["Height"])
    links.new(bump.outputs["Normal"], principled.inputs["Normal"])


def ramp(nodes, stops: list[tuple[float, tuple[float, float, float]]], constant: bool = False):
    node = nodes.new("ShaderNodeValToRGB")
    if constant:
        node.color_ramp.interpolation = "CONSTANT"
    elements = node.color_ramp.elements
    while len(elements) < len(stops):
        elements.new(0.5)
    for element, (at, colour) in zip(elements, stops):
        element.position, element.color = at, (*colour, 1)
    return node


def striped_cotton(nodes, links, principled) -> None:
    """A sailor's shirt: navy stripes on off-white, plain shoulders."""
    coordinates = nodes.new("ShaderNodeAttribute")
    coordinates.attribute_name = "draped"
    split = nodes.new("ShaderNodeSeparateXYZ")
    links.new(coordinates.outputs["Vector"], split.inputs[0])
    period = nodes.new("ShaderNodeMath")
    period.operation = "MULTIPLY"
    period.inputs[1].default_value = 1 / 0.052
    links.new(split.outputs["Z"], period.inputs[0])
    fraction = nodes.new("ShaderNodeMath")
    fraction.operation = "FRACT"
    links.new(period.outputs[0], fraction.inputs[0])
    stripes = ramp(nodes, [(0.0, (0.018, 0.03, 0.085)), (0.40, (0.78, 0.76, 0.70))], constant=True)
    links.new(fraction.outputs[0], stripes.inputs[0])
    yoke = nodes.new("ShaderNodeMath")
    yoke.operation = "GREATER_THAN"
    yoke.inputs[1].default_value = 1.345
    links.new(split.outputs["Z"], yoke.inputs[0])
    mix = nodes.new("ShaderNodeMix")
    mix.data_type = "RGBA"
    colour_inputs = [s for s in mix.inputs if s.type == "RGBA"]
    colour_inputs[1].default_value = (0.78, 0.76, 0.70, 1)
    links.new(yoke.outputs[0], mix.inputs["Factor"])
    links.new(stripes.outputs["Color"], colour_inputs[0])
    links.new(next(s for s in mix.outputs if s.type == "RGBA"), principled.inputs["Base Color"])
    principled.inputs["Roughness"].default_value = 0.85
    weave(nodes, links, principled, 900, 0.25)


def denim(nodes, links, principled) -> None:
    coordinates = nodes.new("ShaderNodeAttribute")
    coordinates.attribute_name = "rest"
    noise = nodes.new("ShaderNodeTexNoise")
    noise.inputs["Scale"].default_value = 9
    noise.inputs["Detail"].default_value = 8
    colours = ramp(nodes, [(0.3, (0.022, 0.045, 0.11)), (0.75, (0.075, 0.13, 0.25))])
    links.new(coordinates.outputs["Vector"], noise.inputs["Vector"])
    links.new(noise.outputs["Fac"], colours.inputs[0])
    links.new(colours.outputs["Color"], principled.inputs["Base Color"])
    principled.inputs["Roughness"].default_value = 0.8
    weave(nodes, links, principled, 1300, 0.35)


def leather(nodes, links, principled) -> None:
    principled.inputs["Base Color"].default_value = (0.70, 0.69, 0.66, 1)
    principled.inputs["Roughness"].default_value = 0.45
    weave(nodes, links, principled, 250, 0.15)


def rubber(nodes, links, principled) -> None:
    principled.inputs["Base Color"].default_value = (0.10, 0.10, 0.11, 1)
    principled.inputs["Roughness"].default_value = 0.6


def skin(nodes, links, principled) -> None:
    """Colour painted per vertex (lips, cheeks, lids), pores as bump, light below the surface."""
    painted = nodes.new("ShaderNodeVertexColor")
    painted.layer_name = "skin"
    links.new(painted.outputs["Color"], principled.inputs["Base Color"])
    principled.inputs["Subsurface Weight"].default_value = 0.18
    principled.inputs["Subsurface Radius"].default_value = (1.0, 0.25, 0.12)
    principled.inputs["Subsurface Scale"].default_value = 0.006
    principled.inputs["Roughness"].default_value = 0.52
    noise = nodes.new("ShaderNodeTexNoise")
    noise.inputs["Scale"].default_value = 700
    bump = nodes.new("ShaderNodeBump")
    bump.inputs["Strength"].default_value = 0.06
    bump.inputs["Distance"].default_value = 0.001
    links.new(noise.outputs["Fac"], bump.inputs["Height"])
    links.new(bump.outputs["Normal"], principled.inputs["Normal"])


def eye(nodes, links, principled) -> None:
    painted = nodes.new("ShaderNodeAttribute")
    painted.attribute_name = "gaze"
    length = nodes.new("ShaderNodeVectorMath")
    length.operation = "LENGTH"
    links.new(painted.outputs["Vector"], length.inputs[0])
    white, iris, rim, pupil = (0.72, 0.69, 0.66), (0.11, 0.055, 0.025), (0.03, 0.016, 0.01), (0.003, 0.003, 0.003)
    colours = ramp(nodes, [(0.0, pupil), (0.15, pupil), (0.18, iris), (0.38, rim), (0.45, white)])
    links.new(length.outputs["Value"], colours.inputs[0])
    links.new(colours.outputs["Color"], principled.inputs["Base Color"])
    principled.inputs["Roughness"].default_value = 0.06


def hair_strands(melanin: float):
    def build(nodes, links, principled) -> None:
        hair = nodes.new("ShaderNodeBsdfHairPrincipled")
        hair.parametrization = "MELANIN"
        hair.inputs["Melanin"].default_value = melanin
        hair.inputs["Roughness"].default_value = 0.38
        links.new(hair.outputs[0], nodes["Material Output"].inputs["Surface"])

    return build
