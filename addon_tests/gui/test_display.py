"""The screen the other tests look at."""

from window import free_display


def test_killed_servers_leave_displays_nobody_may_use(tmp_path):
    (tmp_path / ".X11-unix").mkdir()
    (tmp_path / ".X11-unix/X83").touch()
    (tmp_path / ".X84-lock").touch()
    assert free_display(tmp_path) == ":85"
