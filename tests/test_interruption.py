import os
import signal
import subprocess
import sys
import threading

import pytest

from aepipe.interruption import SIGNALS, Interrupted, interruptible, postponed


@pytest.fixture(autouse=True)
def handled_as_usual():
    """As in a terminal; a job in the background starts with signals that are ignored."""
    before = {number: signal.signal(number, signal.SIG_DFL) for number in SIGNALS}
    signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize(
    ("number", "said", "code"),
    [
        (signal.SIGINT, "interrupted; the same command starts again", 130),
        (signal.SIGTERM, "ended by SIGTERM; the same command starts again", 143),
        (signal.SIGHUP, "ended by SIGHUP; the same command starts again", 129),
    ],
)
def test_a_signal_is_an_exception_with_the_exit_code_of_a_shell(number, said, code):
    with pytest.raises(Interrupted) as caught, interruptible():
        signal.raise_signal(number)
    assert str(caught.value) == said
    assert caught.value.exit_code == code


def test_it_is_not_taken_for_a_mistake():
    assert issubclass(Interrupted, KeyboardInterrupt)
    assert not issubclass(Interrupted, Exception)


def block(*work) -> list[object]:
    """Do things under signals that wait; give what has been asked for."""
    with postponed() as asked:
        done = []
        for each in work:
            each()
            done.append(asked())
    return done


def raising(number):
    return lambda: signal.raise_signal(number)


def test_the_first_signal_waits_and_the_second_does_not():
    reached = []
    with pytest.raises(Interrupted, match="interrupted"):
        block(raising(15), lambda: reached.append(1), raising(2), lambda: reached.append(2))
    assert reached == [1]


def test_a_signal_that_comes_too_late_for_the_block_ends_what_comes_next():
    reached = []
    with pytest.raises(Interrupted, match="SIGTERM"):
        block(raising(15), lambda: reached.append(1))
    assert reached == [1]
    assert block(lambda: None) == [None]


def test_an_error_of_the_block_is_not_hidden_by_a_signal():
    with pytest.raises(ZeroDivisionError):
        block(raising(15), lambda: 1 / 0)


def test_what_handled_signals_before_does_so_afterwards():
    before = [signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)]
    with interruptible(), postponed():
        pass
    assert [signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)] == before


def test_what_is_ignored_stays_ignored():
    """As nohup asks of SIGHUP."""
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with interruptible(), postponed() as asked:
            signal.raise_signal(signal.SIGHUP)
            assert asked() is None
    finally:
        signal.signal(signal.SIGHUP, before)


def test_a_thread_handles_none():
    caught = []

    def work():
        with interruptible(), postponed() as asked:
            caught.append(asked())

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert caught == [None]


ORPHAN = """
import os, sys, time
from aepipe.interruption import postponed
with postponed() as asked:
    print(os.getpid(), flush=True)
    for _ in range(1200):
        if asked():
            print(f"noticed {asked():d}", flush=True)
            os._exit(0)
        time.sleep(0.05)
print("not noticed", flush=True)
"""
PARENT = """
import subprocess, sys
child = subprocess.Popen([sys.executable, "-c", sys.argv[1]])
sys.stdin.read()
"""


def test_the_loss_of_the_dvc_that_runs_a_stage_ends_it():
    command, pipe = [sys.executable, "-c", PARENT, ORPHAN], subprocess.PIPE
    environment = {**os.environ, "DVC_STAGE": "vae"}
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, env=environment) as parent:
        parent.stdout.readline()
        parent.kill()
        assert parent.stdout.readline() == b"noticed 1\n"
