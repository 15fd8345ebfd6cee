import os
import shutil
from dataclasses import replace
from pathlib import Path

from aepipe.tracking.key import content_key


def test_key_is_that_of_the_contents_not_of_paths_times_or_outputs(call_of, alone):
    call = call_of(1)
    shutil.copytree("data", "elsewhere")
    os.utime("elsewhere/00000.npy", (0, 0))
    moved = replace(
        call,
        experiment="another",
        inputs=type(call.inputs)(alone / "elsewhere"),
        outputs=type(call.outputs)(Path("models/other")),
    )
    assert content_key(moved) == content_key(call)


def test_key_changes_with_everything_that_results_follow_from(call_of):
    call = call_of(1)
    keys = [content_key(call), content_key(call_of(2)), content_key(replace(call, title="toy"))]
    Path("data/00000.npy").write_bytes(b"other features")
    keys.append(content_key(call))
    Path("data/00000.npy").rename("data/00001.npy")
    keys.append(content_key(call))
    Path("requirements.lock").write_text("torch==1\n")
    keys.append(content_key(call))
    assert len(set(keys)) == 6


def test_key_does_not_run_names_and_contents_together(call_of):
    call = call_of(1)
    Path("data/a").write_bytes(b"bc")
    before = content_key(call)
    Path("data/a").rename("data/ab")
    Path("data/ab").write_bytes(b"c")
    assert content_key(call) != before
