"""The add-on's end: jobs, cancel, a backend that is missing, dies, hangs or talks nonsense."""

import os
import signal
import sys
import time

import bpy
import numpy as np
import pytest

from addon_tests.core import fake_backend
from blender_addon.backend import client, locate
from blender_addon.backend.job import JobFailed
from blender_addon.backend.process import BackendProcess
from blender_addon.backend.supervisor import Supervisor
from blender_addon.preferences import Settings, settings
from neural_core.errors import BackendError, Cancelled


@pytest.fixture
def launches():
    return []


@pytest.fixture
def start(tmp_path, launches):
    """Makes supervisors of fake backends and closes them."""
    made = []

    def make(*arguments: str, **options) -> Supervisor:
        def launch() -> BackendProcess:
            process = BackendProcess(
                fake_backend.command(*arguments), locate.backend_environment(), tmp_path / "backend.log"
            )
            launches.append(process)
            return process

        made.append(Supervisor(launch, **options))
        return made[-1]

    yield make
    for supervisor in made:
        supervisor.close()


def test_a_blocking_job_with_progress(start):
    seen = []
    body, _ = start().run("slow", {"steps": 30}, on_progress=lambda fraction, stage: seen.append((fraction, stage)))
    assert body == {"steps": 30}
    assert ("Working" in {stage for _, stage in seen}) and [f for f, _ in seen] == sorted(f for f, _ in seen)


def test_arrays_larger_than_any_pipe_go_both_ways(start):
    picture = np.random.default_rng(0).random((512, 512, 4), dtype=np.float32)
    _, arrays = start().run("echo", {"n": 1}, {"picture": picture, "none": np.zeros((0, 3), np.int32)})
    assert np.array_equal(arrays["picture"], picture) and arrays["none"].shape == (0, 3)


def test_requests_are_answered_while_large_answers_are_on_their_way(start):
    """Both sides write at once: neither may wait for the other."""
    supervisor = start()
    block = np.zeros(2_000_000, np.float32)
    jobs = [supervisor.start("echo", {"n": n}, {"block": block}) for n in range(4)]
    while not all([job.done() for job in jobs]):
        pass
    assert [job.result()[0]["n"] for job in jobs] == [0, 1, 2, 3]


def test_done_never_blocks_for_long(start):
    job = start().start("slow", {"steps": 40})
    longest = 0.0
    while True:
        begin = time.process_time()  # of this process only: the machine may be busy
        if job.done():
            break
        longest = max(longest, time.process_time() - begin)
    assert longest < 0.1


def test_one_process_serves_many_jobs(start, launches):
    supervisor = start()
    for n in range(3):
        supervisor.run("echo", {"n": n})
    assert len(launches) == 1 and supervisor.pid == launches[0].pid == supervisor.hello["pid"]


def test_an_error_of_the_backend_is_raised_with_its_code(start):
    with pytest.raises(JobFailed, match="There is no person") as error:
        start().run("user_error")
    assert error.value.code == "photo" and "PhotoError" in error.value.details


def test_cancel_ends_the_job_and_keeps_the_process(start, launches):
    supervisor = start()
    stop = iter([False] * 5 + [True] * 100_000)
    with pytest.raises(Cancelled):
        supervisor.run("slow", should_stop=lambda: next(stop))
    assert supervisor.run("echo", {"a": 1})[0] == {"a": 1}
    assert len(launches) == 1


def test_a_hung_job_is_killed_after_cancel_and_others_are_done_by_a_new_process(start, launches):
    supervisor = start(seconds_to_cancel=0.3)
    hung = supervisor.start("stubborn")
    while hung.stage != "Hanging":
        hung.done()
    waiting = supervisor.start("echo", {"a": 1})
    hung.cancel()
    while not (hung.done() and waiting.done()):
        pass
    with pytest.raises(Cancelled):
        hung.result()
    assert waiting.result()[0] == {"a": 1} and len(launches) == 2
    assert launches[0].exit_code is not None


def test_a_backend_that_dies_is_started_again_once(start, launches, tmp_path):
    body, _ = start().run("crash_once", {"marker": str(tmp_path / "marker")})
    assert len(launches) == 2 and body["pid"] == launches[1].pid


def test_a_backend_killed_in_the_middle_of_a_job_is_started_again(start, launches):
    supervisor = start()
    job = supervisor.start("slow", {"steps": 60})
    while job.fraction == 0:
        job.done()
    os.kill(supervisor.pid, signal.SIGKILL)
    while not job.done():
        pass
    assert job.result()[0] == {"steps": 60} and len(launches) == 2


def test_a_backend_that_dies_again_is_a_sentence(start, launches):
    supervisor = start()
    with pytest.raises(BackendError, match=r"died 2 times while doing 'crash' \(about to crash\).*log"):
        supervisor.run("crash")
    assert len(launches) == 2
    assert supervisor.run("echo", {"a": 1})[0] == {"a": 1}  # the next job has its own chance


def test_a_backend_killed_while_idle_is_replaced_silently(start, launches):
    supervisor = start()
    supervisor.run("echo")
    os.kill(supervisor.pid, signal.SIGKILL)
    launches[0]._popen.wait()
    assert supervisor.run("echo", {"a": 1})[0] == {"a": 1}


@pytest.mark.parametrize(
    "argument, words",
    [
        ("--die", "did not start .*No module named 'torch'"),
        ("--refuse", "no device 'cuda'"),
        ("--protocol=99", "speaks protocol 99 but this add-on 1"),
        ("--garbage", "did not start .*out of step"),
    ],
)
def test_a_backend_that_does_not_come_up_is_a_sentence(start, launches, argument, words):
    with pytest.raises(BackendError, match=words):
        start(argument).run("echo")
    assert len(launches) == 1 and launches[0].exit_code is not None


def test_a_backend_that_never_says_hello_is_given_up(start, launches):
    with pytest.raises(BackendError, match="did not start within"):
        start("--mute", seconds_to_start=0.5).run("echo")
    assert launches[0].exit_code is not None


def test_what_cannot_be_sent_fails_its_job_only(start):
    supervisor = start()
    with pytest.raises(BackendError, match="not plain JSON"):
        supervisor.run("echo", {"x": float("nan")})
    assert supervisor.run("echo", {"a": 1})[0] == {"a": 1}


def test_closing_ends_the_process_and_fails_its_jobs(start, launches):
    supervisor = start()
    job = supervisor.start("slow")
    while job.fraction == 0:
        job.done()
    supervisor.close()
    with pytest.raises(BackendError, match="closed"):
        job.result()
    assert launches[0].exit_code is not None


def test_logs_do_not_grow_for_ever(start, tmp_path):
    log = tmp_path / "backend.log"
    log.write_bytes(b"x" * (5 << 20))
    start().run("echo")
    assert log.stat().st_size < 1 << 20 and (tmp_path / "backend.log.old").stat().st_size == 5 << 20


def test_the_preference_comes_before_the_environment(monkeypatch, tmp_path):
    monkeypatch.setenv(locate.ENVIRONMENT_VARIABLE, str(tmp_path / "nothing"))
    assert locate.backend_command(sys.executable, "cpu")[0] == sys.executable
    with pytest.raises(BackendError, match="LIKENESS_PYTHON"):
        locate.backend_command()
    monkeypatch.delenv(locate.ENVIRONMENT_VARIABLE)
    assert locate.backend_command() == [sys.executable, "-m", "neural_core.backend", "--device", "auto"]


def test_no_backend_is_a_sentence_that_says_what_to_do(monkeypatch):
    monkeypatch.delenv(locate.ENVIRONMENT_VARIABLE, raising=False)
    monkeypatch.setattr(locate, "_own_python_has_torch", lambda: False)
    with pytest.raises(BackendError, match="not installed: press Install"):
        client.run("echo")
    client.close()


def test_a_preference_that_is_no_python_is_a_sentence(monkeypatch, tmp_path):
    broken = tmp_path / "python"
    broken.write_text("not a program")
    broken.chmod(0o755)
    monkeypatch.setenv(locate.ENVIRONMENT_VARIABLE, str(broken))
    with pytest.raises(BackendError, match="cannot be started with"):
        client.run("echo")
    client.close()


def test_settings_have_defaults_without_preferences():
    chosen = settings()
    assert (chosen.backend_python, chosen.device) == ("", "auto") and chosen.log_folder.is_absolute()


def test_settings_are_the_preferences_of_the_enabled_add_on(tmp_path):
    bpy.ops.preferences.addon_enable(module="blender_addon")
    try:
        chosen = bpy.context.preferences.addons["blender_addon"].preferences
        chosen.backend_python, chosen.device, chosen.log_folder = sys.executable, "CPU", str(tmp_path)
        assert settings() == Settings(sys.executable, "cpu", tmp_path, settings().backend_root)
    finally:
        bpy.ops.preferences.addon_disable(module="blender_addon")


def test_blenders_python_settings_do_not_reach_the_backend(monkeypatch):
    monkeypatch.setenv("PYTHONHOME", "/blender/python")
    monkeypatch.setenv("PYTHONPATH", "/blender/scripts")
    environment = locate.backend_environment()
    assert "PYTHONHOME" not in environment and "PYTHONPATH" not in environment
