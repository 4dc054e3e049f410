"""Thin operators: each one a job that runs blocking from scripts and modal from the interface (see job.py)."""

from ..typed import register_and_unregister
from . import (
    composite,
    create_avatar,
    drop,
    export_avatar,
    import_avatar,
    import_motion,
    job,
    look,
    paint,
    poses,
    proposals,
)

classes = (
    *job.classes,
    *create_avatar.classes,
    *proposals.classes,
    *import_avatar.classes,
    *import_motion.classes,
    *export_avatar.classes,
    *poses.classes,
    *paint.classes,
    *composite.classes,
    *look.classes,
)
_register_classes, _unregister_classes = register_and_unregister(classes)


def register() -> None:
    _register_classes()
    drop.register()


def unregister() -> None:
    drop.unregister()
    proposals.unregister()
    _unregister_classes()
