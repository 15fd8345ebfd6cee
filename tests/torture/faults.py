"""What can happen to a run. Each fault disturbs one, and says whether it struck in time.

A fault that came after the work was done is no trial of anything, and is not counted.
"""

import contextlib
import os
import signal
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from tests.torture.ground import OBJECTS, objects, outs, read_lock, wait_until
from tests.torture.runs import DVC, FLOW, PATIENCE, Disturbed, Trial

STAGE_SECONDS = 4.0  # about as long as a stage takes on an idle machine
FAKETIME = "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1"
# libfaketime refuses every sleep until an absolute time of the monotonic clock, which is what
# Python's are; a real jump of the wall clock leaves that clock alone.
SLEEP = """\
import select, time
def sleep(seconds):
    select.select([], [], [], seconds)
time.sleep = sleep
"""
TRAINING = ("pretrain@first", "pretrain@second", "unroll", "finetune", "vae")

Disturb = Callable[[Trial], bool]


@dataclass(frozen=True)
class Fault:
    """One kind.

    Attributes:
        disturb: runs what was forgotten, and does the harm; says whether that came in time.
        victims: stages that it may strike first; all of them without any.
        missing: what this machine lacks for it, if anything.
    """

    disturb: Disturb
    victims: tuple[str, ...] = ()
    missing: Callable[[], str | None] = lambda: None


def kill_stage(trial: Trial) -> bool:
    """SIGKILL the process of the stage; DVC notices."""
    with trial.running() as run:
        return _strike_stage(trial, run, signal.SIGKILL)


def terminate_stage(trial: Trial) -> bool:
    """SIGTERM, as a scheduler sends it."""
    with trial.running() as run:
        return _strike_stage(trial, run, signal.SIGTERM)


def _strike_stage(trial: Trial, run: Disturbed, number: signal.Signals) -> bool:
    stage = run.stage(trial.victim)
    if stage is None:
        return False
    trial.pause(STAGE_SECONDS)
    try:
        stage.send_signal(number)
    except psutil.NoSuchProcess:
        return False
    return True


def kill_dvc(trial: Trial) -> bool:
    """SIGKILL dvc alone: its stage goes on, and the next run begins beside it."""
    with trial.running() as run:
        _reach(trial, run)
        return run.strike(signal.SIGKILL)


def kill_all(trial: Trial) -> bool:
    """SIGKILL everything at once, as lost power does."""
    with trial.running() as run:
        _reach(trial, run)
        return run.strike_all(signal.SIGKILL)


def interrupt(trial: Trial) -> bool:
    """Ctrl-C, which the terminal sends to dvc and the stage."""
    with trial.running() as run:
        _reach(trial, run)
        return run.strike_all(signal.SIGINT)


def kill_flow(trial: Trial) -> bool:
    """SIGKILL the Prefect flow; its stages are to end with it."""
    with trial.running(FLOW) as run:
        _reach(trial, run)
        return run.strike(signal.SIGKILL)


def _reach(trial: Trial, run: Disturbed) -> None:
    """Wait for the victim, or for one after it, and then for a moment."""
    run.stage(trial.chance.choice(trial.forgotten))
    trial.pause(STAGE_SECONDS)


def two_at_once(trial: Trial) -> bool:
    """Two people start the same at nearly the same time."""
    with trial.running() as first:
        trial.pause(STAGE_SECONDS)
        with trial.running():
            return not first.is_over()


def disk_full(trial: Trial) -> bool:
    """A disk of its own with less room than is needed."""
    clone = trial.ground.clone
    with mounted(["-t", "tmpfs", "-o", "size=256m", "tmpfs"], clone):
        trial.ground.reset(trial.forgotten)
        free = trial.chance.choice([0, 4096, 50_000, 200_000, 500_000])
        filler = clone / ".filler"
        room = os.statvfs(clone)
        with filler.open("wb") as file:
            os.posix_fallocate(file.fileno(), 0, room.f_bavail * room.f_frsize - free)
        with trial.running():
            pass
        filler.unlink()
        subprocess.run(["cp", "-a", f"{clone}/.", trial.ground.folder / "moved"], check=True)
    _replace(clone, trial.ground.folder / "moved")
    return True


def read_only(trial: Trial) -> bool:
    """A folder that nobody may write to."""
    names = ["models", "data", "reports", ".dvc/cache", "mlruns", "."]
    place = trial.ground.clone / trial.chance.choice(names)
    with mounted(["--bind", str(place)], place):
        subprocess.run(["mount", "-o", "remount,bind,ro", str(place)], check=True)
        with trial.running():
            pass
    return True


def corrupt_cache(trial: Trial) -> bool:
    """An object of the cache rots, and is what the next run restores an input from."""
    clone = trial.ground.clone
    kept = read_lock(clone)
    cached = [clone / OBJECTS / name for name in sorted(objects(clone, kept))]
    path = trial.chance.choice([each for each in cached if each.stat().st_size])
    content = bytearray(path.read_bytes())
    content[trial.chance.randrange(len(content))] ^= 0xFF
    path.unlink()  # other names of the same bytes, those of the workspace, stay as they are
    path.write_bytes(content)
    path.chmod(0o444)
    for out, digest in outs(kept).items():
        if f"{path.parent.name}{path.name}" in objects_of(clone, digest):
            remove(clone / out)
    with trial.running():
        pass
    return True


def objects_of(clone: Path, digest: str) -> set[str]:
    """Give the checksums of an output and, where it is a folder, of the files in it."""
    named = {digest}
    text = (clone / OBJECTS / digest[:2] / digest[2:]).read_bytes().decode(errors="replace")
    return named | {
        text[i + 8 : i + 40] for i in range(len(text)) if text.startswith('"md5": "', i)
    }


def truncate_checkpoint(trial: Trial) -> bool:
    """SIGKILL a training, and cut off the end of its newest checkpoint."""
    folder = trial.ground.clone / ".aepipe/checkpoints"

    def written() -> list[Path]:
        return sorted(folder.glob("*/*.safetensors"), key=lambda path: path.stat().st_mtime_ns)

    with trial.running() as run:
        stage = run.stage(trial.victim)
        wait_until(lambda: written() or run.is_over(), PATIENCE)
        trial.pause(STAGE_SECONDS / 4)
        if stage is None or run.is_over():
            return False
        run.strike_all(signal.SIGKILL)
    psutil.wait_procs(trial.left, PATIENCE)
    found = written()
    if found:
        os.truncate(found[-1], trial.chance.randrange(found[-1].stat().st_size))
    return bool(found)


def lose_server(trial: Trial) -> bool:
    """MLflow's server refuses, says nothing, answers nonsense, or goes in the middle."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        uri = f"http://127.0.0.1:{server.getsockname()[1]}"
        answer = trial.chance.choice([None, b"", b"nonsense\r\n", b"HTTP/1.1 500 No\r\n\r\n"])
        threading.Thread(target=_answer, args=(server, answer), daemon=True).start()
        with trial.running(environment={"MLFLOW_TRACKING_URI": uri}):
            trial.pause(STAGE_SECONDS)
            with contextlib.suppress(OSError):
                server.shutdown(socket.SHUT_RDWR)
            server.close()
    return True


def _answer(server: socket.socket, answer: bytes | None) -> None:
    """Take every request; answer, hang up (empty), or say nothing at all (None)."""
    silent = []
    with contextlib.suppress(OSError):
        while True:
            connection, _ = server.accept()
            if answer is None:
                silent.append(connection)  # else it would be closed
                continue
            with connection, contextlib.suppress(OSError):
                connection.sendall(answer)


def jump_clock(trial: Trial) -> bool:
    """The wall clock jumps by days, there and back."""
    stamp = trial.ground.folder / "clock"
    stamp.write_text("+0d\n")
    modules = trial.ground.folder / "modules"
    modules.mkdir(exist_ok=True)
    (modules / "sitecustomize.py").write_text(SLEEP)
    environment = {
        "PYTHONPATH": str(modules),
        "LD_PRELOAD": FAKETIME,
        "FAKETIME_TIMESTAMP_FILE": str(stamp),
        "FAKETIME_NO_CACHE": "1",
        "DONT_FAKE_MONOTONIC": "1",
    }
    with trial.running(environment=environment) as run:
        run.stage(trial.victim)
        for _ in range(3):
            trial.pause(STAGE_SECONDS / 2)
            stamp.write_text(f"{trial.chance.choice([-4000, -40, -1, 1, 40, 4000]):+d}d\n")
    return True


def limit_memory(trial: Trial) -> bool:
    """A limit of the address space, anywhere between far too little and nearly enough."""
    limit = trial.chance.randrange(100, 2000) * 2**20
    with trial.running(("prlimit", f"--as={limit}", *DVC)):
        pass
    return True


@contextmanager
def mounted(words: list[str], place: Path) -> Iterator[None]:
    """Mount something over a folder until the block ends."""
    subprocess.run(["mount", *words, str(place)], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(place)], check=True)


def _replace(place: Path, content: Path) -> None:
    """Put ``content`` into a folder instead of what is in it."""
    for path in place.iterdir():
        remove(path)
    for path in content.iterdir():
        path.rename(place / path.name)
    content.rmdir()


def remove(path: Path) -> None:
    subprocess.run(["rm", "-rf", str(path)], check=True)


def _needs_mounts() -> str | None:
    done = subprocess.run(["unshare", "--mount", "true"], capture_output=True, check=False)
    return None if done.returncode == 0 and os.geteuid() == 0 else "mounting needs root"


def _needs_faketime() -> str | None:
    return None if Path(FAKETIME).exists() else "libfaketime is not installed"


FAULTS = {
    "kill-stage": Fault(kill_stage),
    "terminate-stage": Fault(terminate_stage),
    "kill-dvc": Fault(kill_dvc),
    "kill-all": Fault(kill_all),
    "interrupt": Fault(interrupt),
    "kill-flow": Fault(kill_flow),
    "two-at-once": Fault(two_at_once),
    "disk-full": Fault(disk_full, missing=_needs_mounts),
    "read-only": Fault(read_only, missing=_needs_mounts),
    "corrupt-cache": Fault(corrupt_cache),
    "truncate-checkpoint": Fault(truncate_checkpoint, TRAINING),
    "lose-server": Fault(lose_server, (*TRAINING, "register")),
    "jump-clock": Fault(jump_clock, missing=_needs_faketime),
    "limit-memory": Fault(limit_memory),
}
