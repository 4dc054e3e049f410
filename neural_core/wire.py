"""Messages between Blender and the backend: framed JSON and raw arrays over a byte stream; needs only numpy.

A frame is 4 bytes magic, uint32 header length, the header (UTF-8 JSON), then the bytes of each array the header names;
everything little endian, arrays in C order. Either side may be hostile or out of step: every length, dtype and shape is
checked before anything is allocated, and nothing received can execute. After an error a stream is of no further use.
"""

import json
import re
import struct
from dataclasses import dataclass, field
from typing import Any, BinaryIO

import numpy as np

from neural_core.errors import BackendError

PROTOCOL = 1
MAGIC = b"LKN1"
KINDS = frozenset({"request", "progress", "result", "error", "cancel", "hello"})
# No bool (other bytes than 0 and 1 are undefined in it), no object, string or structured types.
DTYPES = {name: np.dtype(f"<{name}") for name in ("f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4")}

_PREFIX = struct.Struct("<4sI")
_MAX_DIMENSIONS = 8
_MAX_NAME = 64
_MAX_JOB = 2**53  # exact in every JSON reader
_STRING_OR_BRACKET = re.compile(rb'"(?:[^"\\]|\\.)*"|[\[\]{}]')


class WireError(BackendError):
    """What was received is no frame of this protocol, or is beyond its limits."""

    code = "wire"


@dataclass(frozen=True)
class Limits:
    """What is refused before it is allocated."""

    header_bytes: int = 4 * 2**20  # describe_avatar with its provenance needs about 20 kB
    array_bytes: int = 2**30  # all arrays of a frame; a 4096 x 4096 picture with depth and mask has 400 MB
    arrays: int = 256  # 100 avatars with their holdout need 102
    json_depth: int = 32


@dataclass(frozen=True)
class Message:
    """One frame.

    Attributes:
        kind: one of KINDS. job: which request it belongs to; 0 for none. op: what is asked, in requests.
        body: JSON object. arrays: name to array of a dtype in DTYPES.
    """

    kind: str
    job: int = 0
    op: str = ""
    body: dict[str, Any] = field(default_factory=dict)
    arrays: dict[str, np.ndarray] = field(default_factory=dict)


def encode(message: Message, limits: Limits = Limits()) -> list[memoryview]:
    """The frame as buffers to be written one after the other; large arrays are not copied.

    Raises:
        WireError: the message cannot be said in this protocol (a dtype, a number that is not finite in the body, size).
    """
    entries, payload = [], []
    for name, value in message.arrays.items():
        array = np.asarray(value)
        dtype = array.dtype.newbyteorder("<").str[1:]
        if dtype not in DTYPES:
            raise WireError(f"Array '{name}' has dtype {array.dtype}, which the wire does not carry.")
        array = np.ascontiguousarray(array, dtype=DTYPES[dtype]).reshape(array.shape)
        entries.append({"name": name, "dtype": dtype, "shape": list(array.shape)})
        payload.append(_bytes_of(array))
    header = {"kind": message.kind, "job": message.job, "op": message.op, "body": message.body, "arrays": entries}
    try:
        text = json.dumps(header, allow_nan=False, separators=(",", ":")).encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise WireError(f"The body of '{message.op or message.kind}' is not plain JSON: {error}.") from error
    if len(text) > limits.header_bytes:
        raise WireError(f"The header would have {len(text)} bytes, more than the wire carries.")
    _parse_header(text, limits)  # what the other side would refuse must not be sent
    return [memoryview(_PREFIX.pack(MAGIC, len(text)) + text), *payload]


class Decoder:
    """Frames from bytes that come in pieces of any size; never blocks.

    Read straight into `buffer()` and say with `advance` how much came.
    """

    def __init__(self, limits: Limits = Limits()):
        self._limits = limits
        self._error: WireError | None = None
        self._begin()

    @property
    def between_frames(self) -> bool:
        """Whether the stream may end here without loss."""
        return self._stage == "prefix" and self._filled == 0

    def buffer(self) -> memoryview:
        """Where the next bytes belong; never empty."""
        if self._error:
            raise self._error
        return self._target[self._filled :]

    def advance(self, count: int) -> Message | None:
        """`count` bytes were put into `buffer()`; the message, when they completed one.

        Raises:
            WireError: the bytes are no frame; again at every later call.
        """
        self._filled += count
        try:
            return self._next_stage() if self._filled == len(self._target) else None
        except WireError as error:
            self._error = error
            raise

    def _begin(self) -> None:
        self._stage = "prefix"
        self._header: dict[str, Any] = {}
        self._arrays: dict[str, np.ndarray] = {}
        self._pending: list[memoryview] = []
        self._aim(memoryview(bytearray(_PREFIX.size)))

    def _aim(self, target: memoryview) -> None:
        self._target, self._filled = target, 0

    def _next_stage(self) -> Message | None:
        if self._stage == "prefix":
            magic, length = _PREFIX.unpack(self._target)
            if magic != MAGIC:
                raise WireError("The stream is out of step: a frame does not start with its magic.")
            if not 0 < length <= self._limits.header_bytes:
                raise WireError(f"A frame claims a header of {length} bytes.")
            self._stage = "header"
            self._aim(memoryview(bytearray(length)))
            return None
        if self._stage == "header":
            self._header = _parse_header(bytes(self._target), self._limits)
            for entry in self._header["arrays"]:
                array = np.empty(entry["shape"], DTYPES[entry["dtype"]])
                self._arrays[entry["name"]] = array
                if array.nbytes:
                    self._pending.append(_bytes_of(array))
            self._pending.reverse()
            self._stage = "arrays"
        if self._pending:
            self._aim(self._pending.pop())
            return None
        header = self._header
        message = Message(header["kind"], header["job"], header["op"], header["body"], self._arrays)
        self._begin()
        return message


def read_message(stream: BinaryIO, decoder: Decoder) -> Message | None:
    """Block until the next message of an unbuffered stream; None where the stream ends between two frames.

    Raises:
        WireError: the stream ends inside a frame or holds something else.
    """
    while True:
        count = stream.readinto(decoder.buffer())  # type: ignore[attr-defined]
        if not count:
            if decoder.between_frames:
                return None
            raise WireError("The stream ended inside a frame.")
        message = decoder.advance(count)
        if message is not None:
            return message


def write_message(stream: BinaryIO, message: Message, limits: Limits = Limits()) -> None:
    """Block until `message` is written and flushed; raises WireError before writing anything, or OSError."""
    for part in encode(message, limits):
        while len(part):
            written = stream.write(part)
            part = part[len(part) if written is None else written :]
    stream.flush()


def _bytes_of(array: np.ndarray) -> memoryview:
    """The memory of a C-ordered array as flat bytes."""
    return array.reshape(-1).view(np.uint8).data if array.size else memoryview(b"")


def _parse_header(text: bytes, limits: Limits) -> dict[str, Any]:
    """The header with every field checked; raises WireError."""
    if _depth(text) > limits.json_depth:
        raise WireError("The header is nested too deeply.")
    try:
        header = json.loads(text.decode("utf-8"), parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise WireError(f"The header is not JSON: {error}.") from error
    if not isinstance(header, dict):
        raise WireError("The header is not a JSON object.")
    kind, job, op = header.get("kind"), header.get("job", 0), header.get("op", "")
    body, arrays = header.get("body", {}), header.get("arrays", [])
    if not isinstance(kind, str) or kind not in KINDS:
        raise WireError(f"'{str(kind)[:40]}' is no kind of message.")
    if not _is_count(job) or job >= _MAX_JOB:
        raise WireError("A job number is not a whole number from 0 to 2^53.")
    if not isinstance(op, str) or len(op) > _MAX_NAME:
        raise WireError("The name of an operation is not a short text.")
    if not isinstance(body, dict):
        raise WireError("The body of a message is not a JSON object.")
    _check_arrays(arrays, limits)
    return {"kind": kind, "job": job, "op": op, "body": body, "arrays": arrays}


def _check_arrays(entries: Any, limits: Limits) -> None:
    if not isinstance(entries, list) or len(entries) > limits.arrays:
        raise WireError("The list of arrays is no list, or too long.")
    total, names = 0, set()
    for entry in entries:
        if not isinstance(entry, dict):
            raise WireError("An array is not described by a JSON object.")
        name, dtype, shape = entry.get("name"), entry.get("dtype"), entry.get("shape")
        if not isinstance(name, str) or not 0 < len(name) <= _MAX_NAME or name in names:
            raise WireError("An array has no name of its own.")
        if not isinstance(dtype, str) or dtype not in DTYPES:
            raise WireError(f"Array '{name}' has dtype '{str(dtype)[:40]}', which the wire does not carry.")
        if not isinstance(shape, list) or len(shape) > _MAX_DIMENSIONS or not all(map(_is_count, shape)):
            raise WireError(f"Array '{name}' has no proper shape.")
        # numpy refuses a shape whose nonzero sides multiply beyond its index type, even when another side is 0.
        size = DTYPES[dtype].itemsize
        for side in shape:
            size *= max(side, 1)
        total += size
        if total > limits.array_bytes:
            raise WireError(f"The arrays would need more than {limits.array_bytes >> 20} MiB.")
        names.add(name)


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _depth(text: bytes) -> int:
    """Deepest nesting of brackets outside strings, without recursion."""
    depth = deepest = 0
    for match in _STRING_OR_BRACKET.finditer(text):
        token = match.group()
        if token in b"[{":
            depth += 1
            deepest = max(deepest, depth)
        elif token in b"]}":
            depth -= 1
    return deepest


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not a number")
