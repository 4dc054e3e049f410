"""The avatar in a scene that Cycles or EEVEE renders: a second scene for Likeness, and the compositor between them.

The user's scene is rendered by its own engine, where the avatar's mesh casts shadows and is reflected but not seen. The
second scene links the same collections and is rendered by Likeness, where the other meshes hold the avatar out by
depth. The compositor lays the one over the other.
"""

from collections.abc import Iterator

import bpy
from bpy.app.handlers import persistent

from .errors import SceneError

_SUFFIX = " Likeness"
_CATCHER = "Likeness Shadow Catcher"
_CATCHER_SIZE = 12.0  # metres
_TREE = "Likeness Compositing"
_ENGINE = "LIKENESS"
_FOLLOWS = "likeness_follows"  # on the second scene: the scene it belongs to
_SAME = (
    "resolution_x", "resolution_y", "resolution_percentage", "pixel_aspect_x", "pixel_aspect_y", "fps", "fps_base",
    "use_border", "use_crop_to_border", "border_min_x", "border_max_x", "border_min_y", "border_max_y",
)  # fmt: skip
_FRINGE = 16  # pixels of the world to grow under the avatar's edge, where EEVEE cut it out


def set_up(scene: bpy.types.Scene, *, shadow_catcher: bool) -> bpy.types.Scene:
    """Make, or bring up to date, the second scene and the compositor's nodes of `scene`; returns the second scene.

    shadow_catcher: add a plane that shows nothing but shadows, under the avatars, for a picture behind everything;
    Cycles only.

    Raises:
        SceneError: there is no avatar, it is in no collection, or the scene's own engine is Likeness.
    """
    if scene.render.engine == _ENGINE:
        raise SceneError("Choose Cycles or EEVEE for this scene first: Likeness gets a scene of its own.")
    cycles = scene.render.engine == "CYCLES"
    if shadow_catcher and not cycles:
        raise SceneError("Only Cycles has shadow catchers: choose Cycles, or give the scene a floor and turn them off.")
    layers = list(_avatar_layers(scene.view_layers[0]))
    if not layers:
        raise SceneError("There is no avatar in this scene: create or import one.")
    for layer in layers:
        # EEVEE knows no objects that only cast shadows: there the avatar is cut out, and the hole covered again.
        layer.indirect_only, layer.holdout = cycles, not cycles
    second = _second_scene(scene)
    if shadow_catcher:
        _add_catcher(scene)
        scene.render.film_transparent = True
    follow(scene)
    _build_nodes(scene, second, fill=not cycles)
    return second


def _avatar_layers(view_layer: bpy.types.ViewLayer) -> Iterator[bpy.types.LayerCollection]:
    """The layer collections that hold avatar meshes."""
    if any(obj.likeness.is_avatar_mesh for obj in view_layer.layer_collection.collection.objects):
        raise SceneError("The avatar is in no collection: move it and its armature into one (M in the 3D view).")
    todo = list(view_layer.layer_collection.children)
    while todo:
        layer = todo.pop()
        if any(obj.likeness.is_avatar_mesh for obj in layer.collection.objects):
            yield layer
        todo.extend(layer.children)


def _second_scene(scene: bpy.types.Scene) -> bpy.types.Scene:
    """A copy of the scene that shares its collections, camera, size and frames; an older one is replaced."""
    name = f"{scene.name[: 63 - len(_SUFFIX)]}{_SUFFIX}"
    old = bpy.data.scenes.get(name)
    if old is not None:
        bpy.data.scenes.remove(old)
    second = scene.copy()
    second.name = name
    second.render.engine = _ENGINE
    second.likeness.background = "TRANSPARENT"
    second[_FOLLOWS] = scene
    _detach_nodes(second)
    for layer in _avatar_layers(second.view_layers[0]):
        layer.indirect_only = layer.holdout = False
    return second


def follow(scene: bpy.types.Scene) -> None:
    """Bring the second scene of `scene` up to its camera, size, frames, and the objects outside of collections."""
    for second in bpy.data.scenes:
        if second.get(_FOLLOWS) != scene or second == scene:
            continue
        second.camera = scene.camera
        second.frame_start, second.frame_end, second.frame_step = scene.frame_start, scene.frame_end, scene.frame_step
        for name in _SAME:
            setattr(second.render, name, getattr(scene.render, name))
        ours, theirs = second.collection.objects, scene.collection.objects
        for obj in set(theirs) - set(ours):
            ours.link(obj)
        for obj in set(ours) - set(theirs):
            ours.unlink(obj)


@persistent
def _on_render(scene, *_):
    follow(scene)


def register() -> None:
    bpy.app.handlers.render_init.append(_on_render)


def unregister() -> None:
    bpy.app.handlers.render_init.remove(_on_render)


def _add_catcher(scene: bpy.types.Scene) -> None:
    """A floor under the first avatar that shows shadows only."""
    if _CATCHER in scene.objects:
        return
    half = _CATCHER_SIZE / 2
    mesh = bpy.data.meshes.new(_CATCHER)
    mesh.from_pydata([(-half, -half, 0), (half, -half, 0), (half, half, 0), (-half, half, 0)], [], [(0, 1, 2, 3)])
    plane = bpy.data.objects.new(_CATCHER, mesh)
    plane.is_shadow_catcher = True
    avatar = next(obj for obj in scene.objects if obj.likeness.is_avatar_mesh)
    feet = avatar.matrix_world.translation
    plane.location = (feet.x, feet.y, 0.0)
    scene.collection.objects.link(plane)


def _build_nodes(scene: bpy.types.Scene, second: bpy.types.Scene, fill: bool) -> None:
    """World, then avatar over it; with a plate behind everything where the scene asks for one."""
    tree, target = _fresh_tree(scene)

    def node(kind: str, label: str, x: float, y: float):
        made = tree.nodes.new(kind)
        made.label, made.location, made[_TREE] = label, (x, y), True
        return made

    world = node("CompositorNodeRLayers", "World", -700, 200)
    world.scene = scene
    avatar = node("CompositorNodeRLayers", "Avatar", -700, -250)
    avatar.scene = second
    behind = world.outputs["Image"]
    if fill:
        grown = node("CompositorNodeInpaint", "Cover the cut-out's rim", -400, 200)
        _set(grown, "Size", "distance", _FRINGE)
        tree.links.new(behind, grown.inputs["Image"])
        behind = grown.outputs["Image"]
    plate = scene.likeness.background_image
    if scene.likeness.background == "PLATE" and plate is not None:
        picture = node("CompositorNodeImage", "Plate", -700, 500)
        picture.image = plate
        scale = node("CompositorNodeScale", "Fill the frame", -450, 500)
        _fill_frame(scale)
        tree.links.new(picture.outputs["Image"], scale.inputs["Image"])
        behind = _over(tree, node("CompositorNodeAlphaOver", "World over plate", -150, 300), scale.outputs[0], behind)
    result = _over(tree, node("CompositorNodeAlphaOver", "Avatar over world", 100, 0), behind, avatar.outputs["Image"])
    tree.links.new(result, target)


def _over(tree, node, background, foreground):
    """Links an Alpha Over node; its sockets changed names in Blender 5. Returns the output."""
    pictures = [socket for socket in node.inputs if socket.type == "RGBA"]
    named = {socket.name: socket for socket in pictures}
    tree.links.new(background, named.get("Background", pictures[0]))
    tree.links.new(foreground, named.get("Foreground", pictures[1]))
    return node.outputs[0]


def _set(node, socket: str, attribute: str, value) -> None:
    """Options of compositor nodes became sockets in Blender 5."""
    if socket in node.inputs:
        node.inputs[socket].default_value = value
    else:
        setattr(node, attribute, value)


def _fill_frame(scale) -> None:
    """A Scale node that covers the render size, cut evenly."""
    if hasattr(scale, "space"):  # Blender 4.5
        scale.space, scale.frame_method = "RENDER_SIZE", "CROP"
    else:
        scale.inputs["Type"].default_value, scale.inputs["Frame Type"].default_value = "Render Size", "Crop"


def _fresh_tree(scene: bpy.types.Scene):
    """The compositor's tree of a scene, ours and empty, and the socket that takes the result.

    Nodes that the user made stay in the file under their own name; only the scene uses ours from now on.
    """
    if not hasattr(scene, "compositing_node_group"):  # Blender 4.5: the tree belongs to the scene
        scene.use_nodes = True
        tree = scene.node_tree
        for node in [node for node in tree.nodes if node.get(_TREE) or node.type in {"COMPOSITE", "R_LAYERS"}]:
            tree.nodes.remove(node)
        output = tree.nodes.new("CompositorNodeComposite")
        output.location = (350, 0)
        return tree, output.inputs["Image"]
    old = scene.compositing_node_group
    if old is not None and old.name.startswith(_TREE):
        bpy.data.node_groups.remove(old)
    tree = bpy.data.node_groups.new(_TREE, "CompositorNodeTree")
    tree.interface.new_socket("Image", in_out="OUTPUT", socket_type="NodeSocketColor")
    output = tree.nodes.new("NodeGroupOutput")
    output.location = (350, 0)
    scene.compositing_node_group = tree
    scene.render.use_compositing = True
    return tree, output.inputs["Image"]


def _detach_nodes(scene: bpy.types.Scene) -> None:
    if hasattr(scene, "compositing_node_group"):
        scene.compositing_node_group = None
    else:
        scene.use_nodes = False
