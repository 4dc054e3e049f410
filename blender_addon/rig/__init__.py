"""The avatar as Blender objects: armature, mesh, material, photo camera, poses and pose correctives."""
