"""What is shown while a study runs: plain lines, the bar, and that showing never ends a study."""

import errno
import io

import pytest

from hyperspace.execution.progress import Progress


class Clock:
    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


class Terminal(io.StringIO):
    def isatty(self):
        return True


class Gone(io.StringIO):
    """A terminal or a pipe whose other end is closed after so many writes."""

    def __init__(self, after, terminal):
        super().__init__()
        self.after, self.terminal, self.writes = after, terminal, 0

    def isatty(self):
        return self.terminal

    def write(self, text):
        self.writes += 1
        if self.writes > self.after:
            raise OSError(errno.EIO if self.terminal else errno.EPIPE, "gone")
        return len(text)


@pytest.fixture
def clock():
    return Clock()


def run(progress, clock, seconds, trials):
    """Work `trials` evaluations of `seconds` each; the best is 1 / done, every tenth fails."""
    for done in range(1, trials + 1):
        clock.now += seconds
        progress.update(done, 1 / done, failed=done // 10)
    progress.close()


def test_lines_carry_what_a_reader_wants_to_know(clock):
    stream = io.StringIO()
    progress = Progress(200, stream=stream, clock=clock)
    progress.note("200 trials planned")
    clock.now = 50.0
    progress.update(50, -1.5, failed=3, pruned=0, infeasible=12)
    assert stream.getvalue().splitlines()[0] == "200 trials planned"
    line = stream.getvalue().splitlines()[1]
    assert line.split() == ["50/200", "trials", "best", "-1.5", "3", "failed", "12", "infeasible", "0:02:30", "left"]


def test_time_left_counts_only_what_this_run_has_done(clock):
    stream = io.StringIO()
    progress = Progress(200, done=100, stream=stream, clock=clock)
    clock.now = 60.0
    progress.update(110, 1.0)
    assert "0:09:00 left" in stream.getvalue()


def test_nothing_best_and_nothing_failed_are_not_mentioned(clock):
    stream = io.StringIO()
    progress = Progress(10, stream=stream, clock=clock)
    clock.now = 60.0
    progress.update(1, None)
    assert "best" not in stream.getvalue()
    assert "failed" not in stream.getvalue()


@pytest.mark.parametrize(("seconds", "trials", "most"), [(0.001, 5000, 3), (0.1, 1000, 40), (60.0, 1440, 150)])
def test_lines_come_at_a_sensible_rate(clock, seconds, trials, most):
    stream = io.StringIO()
    run(Progress(trials, stream=stream, clock=clock), clock, seconds, trials)
    lines = stream.getvalue().splitlines()
    assert 1 <= len(lines) <= most
    assert f"{trials}/{trials} trials" in lines[-1]
    assert len(set(lines)) == len(lines)


def test_a_study_cut_short_ends_with_where_it_stands(clock):
    stream = io.StringIO()
    run(Progress(1000, stream=stream, clock=clock), clock, 0.01, 7)
    assert stream.getvalue().strip().startswith("7/1000 trials")


def test_a_finished_study_that_is_called_again_shows_no_progress(clock):
    stream = io.StringIO()
    progress = Progress(10, done=10, stream=stream, clock=clock)
    progress.update(10, 0.5)
    progress.close()
    assert stream.getvalue() == ""


def test_closing_twice_and_noting_afterwards_is_harmless(clock):
    stream = io.StringIO()
    progress = Progress(10, stream=stream, clock=clock)
    progress.update(10, 0.5)
    progress.close()
    shown = stream.getvalue()
    progress.close()
    progress.note("late")
    assert stream.getvalue() == shown


def test_a_terminal_gets_a_bar_and_notes_above_it(clock, monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "80")
    stream = Terminal()
    progress = Progress(100, stream=stream, clock=clock)
    progress.note("16 drives [all]")  # brackets are no markup
    run(progress, clock, 1.0, 100)
    shown = stream.getvalue()
    assert "16 drives [all]" in shown
    assert "━" in shown
    assert "100/100 trials" in shown
    assert shown.endswith("\x1b[?25h")  # the cursor is shown again


def test_a_terminal_is_redrawn_five_times_a_second_at_most(clock, monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    stream = Terminal()
    progress = Progress(10_000, stream=stream, clock=clock)
    run(progress, clock, 0.001, 10_000)
    assert stream.getvalue().count(" trials") <= 5 * 10 + 5


def test_a_dumb_terminal_gets_lines(clock, monkeypatch):
    monkeypatch.setenv("TERM", "dumb")
    stream = Terminal()
    run(Progress(10, stream=stream, clock=clock), clock, 1.0, 10)
    assert "\x1b" not in stream.getvalue()


@pytest.mark.parametrize("terminal", [False, True])
@pytest.mark.parametrize("after", [0, 1, 3])
def test_a_stream_that_goes_away_does_not_end_the_study(clock, monkeypatch, terminal, after):
    monkeypatch.setenv("TERM", "xterm")
    stream = Gone(after, terminal)
    progress = Progress(10, stream=stream, clock=clock)
    for _ in range(after + 1):
        progress.note("a line")
    found_out = stream.writes
    assert found_out > after
    run(progress, clock, 60.0, 10)
    assert stream.writes == found_out  # left alone from then on


def test_a_closed_stream_does_not_end_the_study(clock):
    stream = io.StringIO()
    progress = Progress(10, stream=stream, clock=clock)
    stream.close()
    run(progress, clock, 60.0, 10)


@pytest.mark.parametrize(("variable", "value"), [("ENVIRONMENT", "BATCH"), ("OMPI_COMM_WORLD_RANK", "0")])
def test_lines_are_shown_where_the_launcher_pretends_a_terminal(clock, monkeypatch, variable, value):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv(variable, value)
    stream = Terminal()
    run(Progress(100, stream=stream, clock=clock), clock, 1.0, 100)
    assert "\x1b" not in stream.getvalue()
    assert "100/100 trials" in stream.getvalue().splitlines()[-1]


def test_a_study_that_has_made_more_than_was_asked_for_says_how_many(clock):
    stream = io.StringIO()
    progress = Progress(12, done=29, stream=stream, clock=clock)
    clock.now = 50.0
    progress.update(30, 0.5)
    assert stream.getvalue().startswith("30/30 trials")
