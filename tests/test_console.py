import io

import pytest
from rich.console import Console

from aepipe import console as console_module
from aepipe.console import ConsoleMonitor
from aepipe.monitor import Prefixed, Silent


@pytest.fixture
def plain(monkeypatch, capsys):
    """A monitor whose standard error is no terminal, and which says something each time."""
    monkeypatch.setattr(console_module, "PLAIN_SECONDS", 0.0)
    return ConsoleMonitor()


@pytest.fixture
def terminal():
    """A monitor in a terminal, and what it has drawn."""
    drawn = io.StringIO()
    monitor = ConsoleMonitor()
    monitor._console = Console(file=drawn, force_terminal=True, width=120)
    return monitor, drawn


def test_progress_hands_on_every_item_once_and_in_order(plain, terminal):
    for monitor in (plain, terminal[0], Silent(), Prefixed(Silent(), "control")):
        assert list(monitor.progress(range(5), "count")) == [0, 1, 2, 3, 4]
        assert list(monitor.progress(iter("ab"), "spell", total=2)) == ["a", "b"]
        assert list(monitor.progress(iter("ab"), "spell")) == ["a", "b"]


def test_progress_takes_an_item_only_when_it_is_asked_for(plain):
    taken = []
    items = plain.progress((taken.append(i) or i for i in range(10)), "work", total=10)
    next(items)
    next(items)
    assert len(taken) == 2


def test_outside_a_terminal_there_are_plain_lines_on_standard_error(plain, capsys):
    for epoch in plain.progress(range(1, 4), "train first"):
        plain.record(epoch, {"valid_loss": 0.123456, "loss": epoch})
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.splitlines() == [
        "train first: 1/3  valid_loss 0.1235  loss 1",
        "train first: 2/3  valid_loss 0.1235  loss 2",
        "train first: 3/3  valid_loss 0.1235  loss 3",
    ]


def test_work_of_unknown_length_is_counted_all_the_same(plain, capsys):
    list(plain.progress(iter("ab"), "read"))
    assert [line.strip() for line in capsys.readouterr().err.splitlines()] == [
        "read: 1/?",
        "read: 2/?",
    ]


def test_quick_work_leaves_a_log_alone(capsys):
    list(ConsoleMonitor().progress(range(1000), "count"))
    assert capsys.readouterr().err == ""


def test_in_a_terminal_there_is_a_bar_with_the_latest_figures(terminal):
    monitor, drawn = terminal
    for epoch in monitor.progress(range(1, 4), "train [first]"):
        monitor.record(epoch, {"loss": epoch / 2})
    assert "train [first]" in drawn.getvalue()
    assert "3/3" in drawn.getvalue()
    assert "loss 1.5" in drawn.getvalue()


@pytest.mark.parametrize("text", ["a [bold]word[/bold]", "path/[x]", "100 %"])
def test_remarks_and_warnings_are_shown_as_they_are(text, plain, capsys):
    plain.remark(text)
    plain.warn(text)
    assert capsys.readouterr().err == f"{text}\nwarning: {text}\n"


def test_figures_of_a_second_network_carry_its_prefix(plain, capsys):
    control = Prefixed(plain, "control")
    for epoch in control.progress([1], "train"):
        control.record(epoch, {"loss": 2.0})
    control.remark("done")
    control.warn("slow")
    assert capsys.readouterr().err.splitlines() == [
        "control: train: 1/1  control_loss 2",
        "control: done",
        "warning: control: slow",
    ]
