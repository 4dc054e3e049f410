"""The backend process alone, spoken to over its pipes."""

import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from addon_tests.core import fake_backend
from neural_core.wire import PROTOCOL, Decoder, Message, read_message, write_message


class Child:
    """A backend process and a blocking way to talk to it."""

    def __init__(self, command, stderr):
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=stderr, bufsize=0, start_new_session=True
        )
        self._decoder = Decoder()

    def send(self, message: Message) -> None:
        write_message(self.process.stdin, message)

    def ask(self, job: int, op: str, body=None, arrays=None) -> Message:
        """The answer, progress left out."""
        self.send(Message("request", job, op, body or {}, arrays or {}))
        return self.answer()

    def answer(self) -> Message:
        while (message := self.receive()).kind == "progress":
            pass
        return message

    def receive(self) -> Message:
        message = read_message(self.process.stdout, self._decoder)
        assert message is not None, "the backend left"
        return message

    def gone(self) -> int:
        return self.process.wait(20)


@pytest.fixture
def log(tmp_path):
    return tmp_path / "log.txt"


@pytest.fixture
def child(log):
    with open(log, "wb") as stderr:
        child = Child(fake_backend.command(), stderr)
    hello = child.receive()
    assert hello.kind == "hello" and hello.body["protocol"] == PROTOCOL and hello.body["pid"] == child.process.pid
    yield child
    child.process.kill()
    child.process.wait()


def test_arrays_and_body_come_back(child):
    array = np.arange(12, dtype=np.int16).reshape(3, 4)
    answer = child.ask(7, "echo", {"name": "Zoë"}, {"a": array})
    assert (answer.kind, answer.job, answer.body) == ("result", 7, {"name": "Zoë"})
    assert np.array_equal(answer.arrays["a"], array)


def test_no_print_of_any_kind_reaches_the_wire(child, log):
    assert child.ask(1, "noise").body == {"read": ""}
    assert child.ask(2, "echo").kind == "result"
    text = log.read_text()
    assert all(f"noise from {source}" in text for source in ("Python", "C", "a child"))


@pytest.mark.parametrize(
    "op, code, words",
    [
        ("user_error", "photo", "There is no person in the photo"),
        ("bug", "internal", "KeyError"),
        ("no_memory", "memory", "out of memory"),
        ("not_a_number", "wire", "not plain JSON"),
        ("fly", "likeness", "does not know 'fly'"),
    ],
)
def test_errors_are_sentences_and_the_backend_lives_on(child, op, code, words):
    answer = child.ask(1, op)
    assert answer.kind == "error" and answer.body["code"] == code and words in answer.body["message"]
    assert child.ask(2, "echo").kind == "result"


def test_progress_is_reported_but_not_at_every_step(child):
    child.send(Message("request", 1, "slow", {"steps": 40}))
    fractions = []
    while (message := child.receive()).kind == "progress":
        fractions.append(message.body["fraction"])
    assert message.kind == "result"
    assert fractions == sorted(fractions) and 2 <= len(fractions) < 40


def test_cancel_stops_the_running_job_only(child):
    child.send(Message("request", 1, "slow"))
    while child.receive().body.get("stage") != "Working":
        pass
    child.send(Message("request", 2, "echo"))
    child.send(Message("cancel", 1))
    first, second = child.answer(), child.answer()
    assert (first.job, first.kind, first.body["code"]) == (1, "error", "cancelled")
    assert (second.job, second.kind) == (2, "result")


def test_cancel_of_a_waiting_job(child):
    child.send(Message("request", 1, "slow", {"steps": 20}))
    child.send(Message("request", 2, "slow"))
    child.send(Message("cancel", 2))
    assert child.answer().kind == "result"
    assert child.answer().body["code"] == "cancelled"


def test_it_leaves_when_its_stdin_closes(child):
    child.send(Message("request", 1, "slow"))
    child.process.stdin.close()
    assert child.gone() == 0


def test_it_leaves_even_when_the_job_does_not_listen(child):
    child.send(Message("request", 1, "stubborn"))
    child.process.stdin.close()
    assert child.gone() == 0


def test_it_leaves_when_asked_to(child):
    child.send(Message("request", 1, "shutdown"))
    assert child.gone() == 0


def test_it_leaves_when_the_stream_is_garbage(child):
    child.process.stdin.write(b"GET / HTTP/1.1\r\n\r\n")
    assert child.gone() == 0


def test_ctrl_c_is_left_to_blender(child):
    child.process.send_signal(signal.SIGINT)
    assert child.ask(1, "echo").kind == "result"


@pytest.mark.skipif(os.name != "posix", reason="Windows gives an orphan no other parent")
def test_it_leaves_when_its_parent_dies_although_the_pipe_stays_open(log):
    """The parent is killed; its stdin is inherited by us, so that only the parent's id tells."""
    script = (
        "import subprocess, sys, time\n"
        "child = subprocess.Popen(sys.argv[1:], stdin=0, stdout=1)\n"
        "print(child.pid, file=sys.stderr, flush=True)\n"
        "time.sleep(60)\n"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", script, *fake_backend.command()],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        bufsize=0,
    )
    pid = int(parent.stderr.readline())
    assert read_message(parent.stdout, Decoder()).kind == "hello"
    parent.kill()
    parent.wait()
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline and _runs(pid):
        time.sleep(0.05)
    assert not _runs(pid)
    for pipe in (parent.stdin, parent.stdout, parent.stderr):
        pipe.close()


def _runs(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_a_backend_that_cannot_start_says_why(log):
    with open(log, "wb") as stderr:
        child = Child(fake_backend.command("--refuse"), stderr)
    answer = child.receive()
    assert (answer.kind, answer.job) == ("error", 0) and "no device 'cuda'" in answer.body["message"]
    assert child.gone() == 1
