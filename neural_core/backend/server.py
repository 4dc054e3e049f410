"""One job at a time on the main thread; a second thread reads the wire, so that a running job can be cancelled."""

import argparse
import logging
import os
import queue
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Mapping
from typing import Any, BinaryIO

import numpy as np

from neural_core.backend.parent import watch_parent
from neural_core.backend.streams import claim_stdio
from neural_core.errors import Cancelled, LikenessError, OutOfMemory
from neural_core.progress import Progress
from neural_core.wire import PROTOCOL, Decoder, Message, WireError, read_message, write_message

Answer = tuple[dict[str, Any], dict[str, np.ndarray]]
Operation = Callable[[Message, Progress], Answer]

_SECONDS_BETWEEN_REPORTS = 0.05  # a bar moves smoothly; a loop of 1000 quick steps must not fill the pipe
_SECONDS_TO_LEAVE = 2.0  # for a running job to notice that nobody listens any more
_log = logging.getLogger(__name__)


class Server:
    """Answers requests until the other side closes the wire or asks for `shutdown`."""

    def __init__(self, incoming: BinaryIO, outgoing: BinaryIO, operations: Mapping[str, Operation], parent: int):
        self._parent = parent
        self._incoming, self._outgoing = incoming, outgoing
        self._operations = operations
        self._requests: queue.SimpleQueue[Message | None] = queue.SimpleQueue()
        self._writing = threading.Lock()
        self._cancelled: set[int] = set()
        self._closing = threading.Event()

    def serve(self, hello: Mapping[str, Any]) -> None:
        """Greet with `hello` (device, free_memory, ...), then work until the end."""
        self._send(Message("hello", body={"protocol": PROTOCOL, "pid": os.getpid(), **hello}))
        threading.Thread(target=self._read, name="wire reader", daemon=True).start()
        watch_parent(self._parent, self._leave)
        try:
            while (request := self._requests.get()) is not None:
                self._work(request)
                self._cancelled.discard(request.job)
        except BrokenPipeError:
            _log.info("nobody listens any more")

    def _read(self) -> None:
        """The reader thread: requests are queued, cancels take effect at once, the end of the stream ends all."""
        decoder = Decoder()
        try:
            while (message := read_message(self._incoming, decoder)) is not None:
                if message.kind == "cancel":
                    self._cancelled.add(message.job)
                elif message.kind == "request" and message.op == "shutdown":
                    break
                elif message.kind == "request":
                    self._requests.put(message)
        except (WireError, OSError) as error:
            _log.error("the wire broke: %s", error)
        self._leave()

    def _leave(self) -> None:
        """End the process: gently between two steps, and for certain after a moment."""
        self._closing.set()
        self._requests.put(None)
        time.sleep(_SECONDS_TO_LEAVE)
        os._exit(0)

    def _work(self, request: Message) -> None:
        start = time.monotonic()
        try:
            operation = self._operations.get(request.op)
            if operation is None:
                raise LikenessError(f"This backend does not know '{request.op}': update add-on and backend together.")
            progress = self._progress(request.job)
            progress.update(0.0, "")
            body, arrays = operation(request, progress)
            progress.update(1.0, "")
            self._send(Message("result", request.job, request.op, body, arrays))
        except BrokenPipeError:
            raise
        except Exception as error:
            self._send(Message("error", request.job, request.op, explain(error, request.op)))
        _log.info("job %d, %s: %.2f s", request.job, request.op, time.monotonic() - start)

    def _progress(self, job: int) -> Progress:
        """A reporter that sends progress now and then, and stops the job between two of its steps when asked to."""
        start = time.monotonic()
        last_sent, last_stage = -1.0, ""

        def report(fraction: float, stage: str) -> None:
            nonlocal last_sent, last_stage
            now = time.monotonic()
            if stage == last_stage and now - last_sent < _SECONDS_BETWEEN_REPORTS:
                return
            last_sent, last_stage = now, stage
            eta = (now - start) * (1 - fraction) / fraction if fraction > 0 else None
            self._send(Message("progress", job, body={"fraction": float(fraction), "stage": stage, "eta": eta}))

        return Progress(report, lambda: self._closing.is_set() or job in self._cancelled)

    def _send(self, message: Message) -> None:
        with self._writing:
            write_message(self._outgoing, message)


def explain(error: Exception, op: str) -> dict[str, str]:
    """{code, message, details}: `message` is the sentence for the user, `details` the trace for the log and for us."""
    details = "".join(traceback.format_exception(error))
    if isinstance(error, Cancelled):
        return {"code": error.code, "message": str(error), "details": ""}
    if isinstance(error, LikenessError):
        return {"code": error.code, "message": str(error), "details": details}
    _log.error("%s failed\n%s", op, details)
    if _ran_out_of_memory(error):
        message = "The backend ran out of memory: render at a lower resolution or close other programs."
        return {"code": OutOfMemory.code, "message": message, "details": details}
    cause = f"{type(error).__name__}: {error}".splitlines()[0][:200]
    message = f"The backend failed while doing '{op}' ({cause}): its log file tells more; please report it."
    return {"code": "internal", "message": message, "details": details}


def _ran_out_of_memory(error: Exception) -> bool:
    """torch tells of the processor's memory with a plain RuntimeError, of the graphics card's with its own error."""
    return (
        isinstance(error, MemoryError)
        or type(error).__name__ == "OutOfMemoryError"
        or (isinstance(error, RuntimeError) and "DefaultCPUAllocator: can't allocate memory" in str(error))
    )


def main() -> None:
    """`python -m neural_core.backend [--device auto|cpu|cuda]`."""
    parser = argparse.ArgumentParser(prog="python -m neural_core.backend", description=__doc__)
    parser.add_argument("--device", default="auto", choices=("auto", "cpu", "cuda"))
    device = parser.parse_args().device
    run(lambda: _load(device))


def run(load: Callable[[], tuple[Mapping[str, Operation], Mapping[str, Any]]]) -> None:
    """Claim the streams, `load` the operations and what hello says about this machine, and serve."""
    parent = os.getppid()  # asked at once: it may die while torch is loading
    incoming, outgoing = claim_stdio()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl+C in Blender's terminal is Blender's to answer
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    try:
        operations, hello = load()
    except Exception as error:  # a broken torch, a device that is not there: the other side must learn why
        write_message(outgoing, Message("error", body=explain(error, "start")))
        sys.exit(1)
    Server(incoming, outgoing, operations, parent).serve(hello)


def _load(device: str) -> tuple[Mapping[str, Operation], Mapping[str, Any]]:
    from neural_core.backend.device import choose_device, describe_device
    from neural_core.backend.operations import operations

    chosen = choose_device(device)

    def describe_machine(request: Message, progress: Progress) -> Answer:
        """{} -> what hello says, with the memory that is free now."""
        return describe_device(chosen), {}

    return {**operations(chosen), describe_machine.__name__: describe_machine}, describe_device(chosen)
