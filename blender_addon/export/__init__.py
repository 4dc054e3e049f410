"""Avatars for other programs: a temporary copy with everything baked, written by Blender's own exporters."""
