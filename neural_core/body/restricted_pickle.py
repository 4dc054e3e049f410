"""Reads the arrays of a pickle without running anything in it.

Body model files of SMPL-X come as pickles written by old programs. A pickle can name any function and call it; this
reader knows only how to rebuild numpy arrays, scipy sparse matrices and plain containers. Everything else stops it.
"""

import io
import pickle
from typing import Any

import numpy as np

from neural_core.errors import BodyFileError

_NUMPY_MODULES = (
    "numpy",
    "numpy.core.multiarray",
    "numpy._core.multiarray",
    "numpy.core.numeric",
    "numpy._core.numeric",
)
_SPARSE_MODULES = ("scipy.sparse", "scipy.sparse.csc", "scipy.sparse.csr", "scipy.sparse._csc", "scipy.sparse._csr")


class _Chumpy:
    """Stands for a chumpy array: its state is a dictionary whose entry `x` holds the numbers."""

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.numbers = state.get("x") if isinstance(state, dict) else None


class _Sparse:
    """Stands for a scipy compressed matrix, rebuilt by hand from its state."""

    by_column = True

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.state = state

    def dense(self) -> np.ndarray:
        try:
            shape = tuple(int(n) for n in (self.state.get("_shape") or self.state["shape"]))
            data, index, pointer = (np.asarray(self.state[k]) for k in ("data", "indices", "indptr"))
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise pickle.UnpicklingError("a sparse matrix in it is damaged") from error
        if len(shape) != 2 or np.prod(shape) > 100_000_000 or len(pointer) != shape[self.by_column] + 1:
            raise pickle.UnpicklingError("a sparse matrix in it is damaged")
        out = np.zeros(shape[::-1] if self.by_column else shape)
        major = np.repeat(np.arange(len(pointer) - 1), np.diff(pointer))
        if len(major) != len(data) or (len(index) and not 0 <= index.min() <= index.max() < out.shape[1]):
            raise pickle.UnpicklingError("a sparse matrix in it is damaged")
        out[major, index] = data
        return out.T if self.by_column else out


class _SparseRows(_Sparse):
    by_column = False


def _latin1(text: str, encoding: str) -> bytes:
    """How Python 3 writes bytes in protocol 2: `_codecs.encode(text, "latin1")`; no other codec is allowed."""
    if not isinstance(text, str) or encoding not in ("latin1", "latin-1"):
        raise pickle.UnpicklingError("it encodes text in an unknown way")
    return text.encode("latin1")


def _reconstruct(kind: type, shape: tuple[int, ...], dtype: Any) -> np.ndarray:
    if kind is not np.ndarray:
        raise pickle.UnpicklingError("it holds an unknown kind of array")
    return np.ndarray.__new__(np.ndarray, shape, dtype)


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if module in _NUMPY_MODULES:
            known = {"ndarray": np.ndarray, "dtype": np.dtype, "_reconstruct": _reconstruct}
            if name in known:
                return known[name]
        if module in _SPARSE_MODULES and name in ("csc_matrix", "csr_matrix"):
            return _Sparse if name == "csc_matrix" else _SparseRows
        if module in ("chumpy.ch", "chumpy") and name == "Ch":
            return _Chumpy
        if (module, name) == ("_codecs", "encode"):
            return _latin1
        if (module, name) in (("__builtin__", "object"), ("builtins", "object")):
            return object
        if (module, name) == ("copy_reg", "_reconstructor") or (module, name) == ("copyreg", "_reconstructor"):
            return _make_plain
        raise pickle.UnpicklingError(f"it wants to run {module}.{name}")

    def persistent_load(self, pid: Any) -> Any:
        raise pickle.UnpicklingError("it refers to something outside the file")


def _make_plain(kind: type, base: type, state: Any) -> Any:
    if kind not in (_Chumpy, _Sparse, _SparseRows) or base is not object or state is not None:
        raise pickle.UnpicklingError("it builds an unknown object")
    return kind()


def read_arrays(data: bytes, path: Any) -> dict[str, np.ndarray]:
    """The numeric arrays by name of a pickled dictionary. Raises BodyFileError."""
    try:
        content = _Unpickler(io.BytesIO(data), encoding="latin1").load()
    except Exception as error:  # a hostile pickle may fail in any way; none of it has run
        raise BodyFileError(
            f"The body file {path} is not a plain SMPL-X pickle ({error}); download the model again from its authors."
        ) from error
    if not isinstance(content, dict):
        raise BodyFileError(f"The body file {path} holds no SMPL-X model; download the model again from its authors.")
    arrays = {}
    for name, value in content.items():
        if isinstance(value, _Chumpy):
            value = value.numbers
        if isinstance(value, _Sparse):
            try:
                value = value.dense()
            except pickle.UnpicklingError as error:
                raise BodyFileError(f"The body file {path} is damaged: {error}; download it again.") from error
        if isinstance(name, str) and isinstance(value, np.ndarray) and value.dtype.kind in "fiub":
            arrays[name] = value
    return arrays
