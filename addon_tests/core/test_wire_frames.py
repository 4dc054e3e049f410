"""The wire carries what was sent, in pieces of any size, and refuses everything else before allocating."""

import io
import json
import struct
import tracemalloc
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from neural_core.wire import DTYPES, KINDS, MAGIC, Decoder, Limits, Message, WireError, encode, read_message

_json = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
_arrays = st.dictionaries(
    st.text("abc_0", min_size=1, max_size=8),
    st.sampled_from(sorted(DTYPES)).flatmap(
        lambda name: hnp.arrays(DTYPES[name], hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4))
    ),
    max_size=4,
)
_messages = st.builds(
    Message,
    kind=st.sampled_from(sorted(KINDS)),
    job=st.integers(0, 2**53 - 1),
    op=st.text(max_size=20),
    body=st.dictionaries(st.text(), _json, max_size=4),
    arrays=_arrays,
)


def _bytes(*messages: Message) -> bytes:
    return b"".join(bytes(part) for message in messages for part in encode(message))


def _same(a: Message, b: Message) -> bool:
    return (
        (a.kind, a.job, a.op, a.body) == (b.kind, b.job, b.op, b.body)
        and list(a.arrays) == list(b.arrays)
        and all(
            x.dtype == y.dtype and x.shape == y.shape and x.tobytes() == y.tobytes()
            for x, y in zip(a.arrays.values(), b.arrays.values())
        )
    )


def feed(decoder: Decoder, data: bytes) -> Iterator[Message]:
    """Every message that the bytes complete."""
    rest = memoryview(data)
    while len(rest):
        target = decoder.buffer()
        count = min(len(target), len(rest))
        target[:count] = rest[:count]
        rest = rest[count:]
        message = decoder.advance(count)
        if message is not None:
            yield message


def _frame(header: object, payload: bytes = b"") -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return MAGIC + struct.pack("<I", len(text)) + text + payload


@settings(max_examples=150, deadline=None)
@given(st.lists(_messages, min_size=1, max_size=3), st.data())
def test_messages_survive_any_cutting_of_the_stream(messages, data):
    stream = _bytes(*messages)
    decoder, received, at = Decoder(), [], 0
    while at < len(stream):
        count = data.draw(st.integers(1, len(stream)))
        received += feed(decoder, stream[at : at + count])
        at += count
    assert decoder.between_frames
    assert len(received) == len(messages) and all(map(_same, received, messages))


@settings(max_examples=100, deadline=None)
@given(_messages, st.data())
def test_truncated_stream_is_an_error_and_never_a_message(message, data):
    stream = _bytes(message)
    cut = data.draw(st.integers(1, len(stream) - 1))
    with pytest.raises(WireError):
        read_message(io.BytesIO(stream[:cut]), Decoder())


@settings(max_examples=300, deadline=None)
@given(_messages, st.data())
def test_corrupted_stream_gives_messages_or_wire_errors_only(message, data):
    stream = bytearray(_bytes(message))
    for _ in range(data.draw(st.integers(1, 4))):
        stream[data.draw(st.integers(0, len(stream) - 1))] = data.draw(st.integers(0, 255))
    decoder = Decoder(Limits(array_bytes=2**20))
    try:
        for received in feed(decoder, bytes(stream)):
            assert received.kind in KINDS and all(a.dtype in DTYPES.values() for a in received.arrays.values())
    except WireError:
        with pytest.raises(WireError):
            decoder.buffer()  # a broken stream stays broken


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200))
def test_any_header_bytes_give_a_message_or_a_wire_error(text):
    try:
        list(feed(Decoder(), _frame(text)))
    except WireError as error:
        assert len(str(error)) < 400


_ARRAY = {"name": "a", "dtype": "f4", "shape": [2]}


@pytest.mark.parametrize(
    "header",
    [
        [],
        {"kind": "shout"},
        {"kind": ["request"]},
        {"kind": "request", "job": -1},
        {"kind": "request", "job": True},
        {"kind": "request", "job": 1.0},
        {"kind": "request", "job": 2**60},
        {"kind": "request", "op": "x" * 65},
        {"kind": "request", "body": []},
        {"kind": "request", "arrays": {}},
        {"kind": "request", "arrays": [_ARRAY, _ARRAY]},
        {"kind": "request", "arrays": [{**_ARRAY, "dtype": "O"}]},
        {"kind": "request", "arrays": [{**_ARRAY, "dtype": "b1"}]},
        {"kind": "request", "arrays": [{**_ARRAY, "dtype": ["f4"]}]},
        {"kind": "request", "arrays": [{**_ARRAY, "shape": [-1]}]},
        {"kind": "request", "arrays": [{**_ARRAY, "shape": [2.0]}]},
        {"kind": "request", "arrays": [{**_ARRAY, "shape": [True]}]},
        {"kind": "request", "arrays": [{**_ARRAY, "shape": 2}]},
        {"kind": "request", "arrays": [{**_ARRAY, "shape": [1] * 9}]},
        {"kind": "request", "arrays": [{**_ARRAY, "shape": [2**40]}]},
        {"kind": "request", "arrays": [{**_ARRAY, "shape": [0, 2**62, 2**62]}]},
        {"kind": "request", "arrays": [{**_ARRAY, "name": f"a{i}", "shape": [1]} for i in range(300)]},
        b'{"kind": "request", "body": {"x": NaN}}',
        b'{"kind": "request", "body": {"x": ' + b"9" * 5000 + b"}}",
        b'{"kind": "request", "body": ' + b"[" * 100_000,
        b'{"kind": "request", "body": {"x": ' + b"[" * 40 + b"]" * 40 + b"}}",
    ],
)
def test_hostile_header_is_refused(header):
    with pytest.raises(WireError):
        list(feed(Decoder(), _frame(header)))


def test_brackets_inside_strings_are_not_nesting():
    message = Message("request", body={"path": "[" * 100 + '\\"' + "{" * 100})
    (received,) = feed(Decoder(), _bytes(message))
    assert received.body == message.body


@pytest.mark.parametrize("stream", [MAGIC + b"\xff\xff\xff\xff", MAGIC + b"\0\0\0\0", b"PK\x03\x04" + b"\1\0\0\0"])
def test_hostile_prefix_is_refused(stream):
    with pytest.raises(WireError):
        list(feed(Decoder(), stream))


def test_nothing_is_allocated_for_a_size_beyond_the_limit():
    header = {"kind": "request", "arrays": [{"name": "a", "dtype": "f8", "shape": [1 << 14, 1 << 14]}]}  # 2 GiB
    tracemalloc.start()
    try:
        with pytest.raises(WireError):
            list(feed(Decoder(), _frame(header)))
        assert tracemalloc.get_traced_memory()[1] < 2**20
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    "message",
    [
        Message("request", body={"x": float("nan")}),
        Message("request", body={"x": {1, 2}}),
        Message("request", arrays={"a": np.array([object()])}),
        Message("request", arrays={"a": np.array(["text"])}),
        Message("request", arrays={"a": np.zeros(3, bool)}),
        Message("nonsense"),
    ],
)
def test_what_cannot_be_said_is_refused_before_sending(message):
    with pytest.raises(WireError):
        encode(message)


def test_big_endian_and_strided_arrays_arrive_as_the_same_numbers():
    strided = np.arange(24, dtype=">f4").reshape(4, 6)[::2, ::3].T
    (received,) = feed(Decoder(), _bytes(Message("result", arrays={"a": strided})))
    assert np.array_equal(received.arrays["a"], strided)
    assert received.arrays["a"].flags.writeable and received.arrays["a"].flags.aligned
