"""The program that works for Blender: `python -m neural_core.backend`, spoken to over stdin and stdout.

Importing this package costs nothing; the operations load what they need when they are asked for.
"""
