"""Trained weights that ship with the package (safetensors, each described by its own metadata)."""
