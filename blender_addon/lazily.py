"""What enabling the add-on does not import; see "Registration is cheap" in docs/design_rules.md."""

import sys
from typing import Any


def loaded(module: str) -> Any | None:
    """A module of the add-on ("backend.client") that was needed so far; None where nothing of it has to be put away."""
    return sys.modules.get(f"{__package__}.{module}")
