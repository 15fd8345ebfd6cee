import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from flows.tether import lifeline, start

# A command that does what dvc does: starts a child of its own and waits for it.
PARENT = "sleep 60 & echo $!; wait"
TREE = Path(__file__).parents[2]


def alive(pid: int) -> bool:
    """Whether the process runs; one that has ended but that nobody has asked about doesn't."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def soon(condition, seconds=10.0):
    deadline = time.monotonic() + seconds
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.02)
    return condition()


def heed_interrupts():
    """Undo what a job in the background of a script inherits: that it ignores them."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


needs_proc = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="asks /proc")


@pytest.mark.parametrize(("command", "code"), [("true", 0), ("exit 3", 3), ("kill -9 $$", 137)])
def test_exit_code_is_the_commands(command, code, tmp_path):
    with lifeline() as line, start(["sh", "-c", command], line, tmp_path, os.environ) as process:
        process.communicate()
        assert process.returncode == code


def test_both_outputs_come_back_in_order_and_in_the_given_folder(tmp_path):
    command = ["sh", "-c", "pwd; echo error >&2; echo $COLOUR"]
    environment = {**os.environ, "COLOUR": "blue"}
    with lifeline() as line, start(command, line, tmp_path, environment) as process:
        said, _ = process.communicate()
    assert said.splitlines() == [str(tmp_path), "error", "blue"]


@needs_proc
def test_leaving_the_block_ends_the_command_and_its_children(tmp_path):
    with lifeline() as line:
        process = start(["sh", "-c", PARENT], line, tmp_path, os.environ)
        child = int(process.stdout.readline())
        assert alive(child)
    assert process.wait(10) == 128 + signal.SIGTERM
    assert soon(lambda: not alive(child))
    process.stdout.close()


@needs_proc
def test_a_command_that_is_killed_leaves_no_child_behind(tmp_path):
    with lifeline() as line:
        command = ["sh", "-c", f"echo $$; {PARENT}"]
        process = start(command, line, tmp_path, os.environ)
        parent, child = int(process.stdout.readline()), int(process.stdout.readline())
        os.kill(parent, signal.SIGKILL)
        assert process.wait(10) == 128 + signal.SIGKILL
        assert soon(lambda: not alive(child))
        process.stdout.close()


@needs_proc
def test_a_child_that_ignores_the_request_is_ended_all_the_same(tmp_path, monkeypatch):
    script = tmp_path / "stubborn.py"
    script.write_text(
        "import os, signal, time\n"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "print(os.getpid(), flush=True)\n"
        "time.sleep(60)\n"
    )
    with lifeline() as line:
        process = start([sys.executable, str(script)], line, tmp_path, os.environ)
        child = int(process.stdout.readline())
    assert process.wait(20) == 128 + signal.SIGKILL
    assert soon(lambda: not alive(child))
    process.stdout.close()


@needs_proc
@pytest.mark.parametrize("sent", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_the_command_ends_with_whoever_asked_however_that_ends(sent, tmp_path):
    asking = (
        "import os\n"
        "from pathlib import Path\n"
        "from flows.tether import lifeline, start\n"
        "with lifeline() as line:\n"
        f"    process = start(['sh', '-c', {PARENT!r}], line, Path(), os.environ)\n"
        "    print(process.stdout.readline(), flush=True)\n"
        "    process.wait()\n"
    )
    asker = subprocess.Popen(
        [sys.executable, "-c", asking],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(TREE)},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        preexec_fn=heed_interrupts,
    )
    with asker:
        child = int(asker.stdout.readline())
        assert alive(child)
        asker.send_signal(sent)
    assert soon(lambda: not alive(child))
