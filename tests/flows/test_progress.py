"""Where the time went, and what the terminal shows meanwhile."""

import io
import time
from typing import Any

import pytest
from rich.console import Console

from flows import progress
from flows.progress import bar, follow, tell_where_time_went, timed, timing, where_time_went


class Done:
    """A future of a shard that is done."""

    def __init__(self, number: int) -> None:
        self.number = number

    def result(self) -> int:
        return self.number


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    written = io.StringIO()
    monkeypatch.setattr(progress, "console", Console(file=written, force_terminal=True, width=120))
    return written


def test_stages_are_timed_while_somebody_asks() -> None:
    with timed("nobody asks"), timing() as seconds:
        with timed("read"):
            time.sleep(0.02)
        with pytest.raises(ValueError, match="no"), timed("mine"):
            raise ValueError("no")
        with timed("read"):
            time.sleep(0.02)

    assert list(seconds) == ["read", "mine"]
    assert 0.04 <= seconds["read"] < 1


def test_the_summary_has_stages_in_order_then_models_by_seconds() -> None:
    rows = where_time_went({"read": 1.0, "mine": 3.0}, {"a": 0.5, "b": 2.0})

    assert [tuple(row.values()) for row in rows] == [
        ("stage", "read", 1.0, "25%"),
        ("stage", "mine", 3.0, "75%"),
        ("model", "b", 2.0, "50%"),
        ("model", "a", 0.5, "12%"),
    ]
    assert where_time_went({}, {}) == []


def test_the_summary_is_shown_on_a_terminal_alone(terminal: io.StringIO, capfd: pytest.CaptureFixture[str]) -> None:
    rows = where_time_went({"mine": 3.0}, {"package:a": 2.0})

    tell_where_time_went(rows)
    progress.console = Console(file=io.StringIO(), force_terminal=False)
    tell_where_time_went(rows)

    shown = terminal.getvalue()
    assert "package:a" in shown
    assert "67%" in shown
    assert progress.console.file.getvalue() == ""  # type: ignore[attr-defined]
    assert capfd.readouterr() == ("", "")


def test_a_bar_has_count_rate_and_time_left(terminal: io.StringIO) -> None:
    with bar() as shown:
        task: Any = shown.add_task("mine", total=4)
        for _ in range(2):
            time.sleep(0.05)
            shown.advance(task)
        shown.refresh()

    line = terminal.getvalue().rsplit("mine", 1)[1]
    assert "2/4" in line
    assert "/s" in line
    assert line.count(":") >= 3  # 0:00:00 elapsed, 0:00:00 left


def test_follow_gives_results_in_order_and_the_first_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    class Failed(Done):
        def result(self) -> int:
            raise KeyError(self.number)

    monkeypatch.setattr(progress, "_UI_SECONDS", 3600)
    with timing() as seconds:
        assert follow("mine", [Done(1), Done(2)]) == [1, 2]  # type: ignore[list-item]
        with pytest.raises(KeyError, match="7"):
            follow("mine", [Failed(7)])  # type: ignore[list-item]

    assert list(seconds) == ["mine"]
