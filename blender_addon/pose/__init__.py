"""Poses: a library of them, mirroring, resetting, saving, and motions of other skeletons."""
