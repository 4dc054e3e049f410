"""Reading what a request holds; whatever does not fit is one sentence, never a KeyError."""

import math
from typing import Any

import numpy as np

from neural_core.errors import LikenessError
from neural_core.wire import Message


class RequestError(LikenessError):
    """A request lacks something or holds it in the wrong form; add-on and backend are of different versions."""

    code = "request"


def text(request: Message, name: str) -> str:
    """A text that is not empty."""
    value = request.body.get(name)
    if not isinstance(value, str) or not value or "\0" in value:
        raise _wrong(request, name, "a text")
    return value


def number(request: Message, name: str, low: float = -math.inf, high: float = math.inf) -> float:
    """A finite number from `low` to `high`."""
    value = request.body.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        raise _wrong(request, name, f"a number from {low:g} to {high:g}")
    return float(value)


def whole(request: Message, name: str, low: int, high: int) -> int:
    """A whole number from `low` to `high`."""
    value = number(request, name, low, high)
    if value != int(value):
        raise _wrong(request, name, "a whole number")
    return int(value)


def matrix(request: Message, name: str, *shape: int) -> np.ndarray:
    """Nested lists of finite numbers as a float64 array of `shape`."""
    try:
        value = np.asarray(request.body.get(name), dtype=np.float64)
    except (TypeError, ValueError):
        raise _wrong(request, name, f"numbers of shape {shape}") from None
    if value.shape != shape or not np.isfinite(value).all():
        raise _wrong(request, name, f"finite numbers of shape {shape}")
    return value


def array(request: Message, name: str, dtype: str, *shape: int | None) -> np.ndarray:
    """An array of the frame with this dtype and shape (None: any length), finite where it is of floats."""
    value = request.arrays.get(name)
    fits = (
        value is not None
        and value.dtype == np.dtype(dtype)
        and value.ndim == len(shape)
        and all(want is None or want == have for want, have in zip(shape, value.shape))
    )
    if value is None or not fits:
        raise _wrong(request, name, f"an array of {dtype} with shape {shape}")
    if value.dtype.kind == "f" and not np.isfinite(value).all():
        raise _wrong(request, name, "an array of finite numbers")
    return value


def _wrong(request: Message, name: str, wanted: str) -> RequestError:
    value: Any = request.body.get(name, request.arrays.get(name))
    found = "missing" if value is None else "something else"
    return RequestError(
        f"'{name}' of the request '{request.op}' should be {wanted} but is {found}: update add-on and backend together."
    )
