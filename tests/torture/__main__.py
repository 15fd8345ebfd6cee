"""``python -m tests.torture``: disturb the pipeline again and again, and print what came of it.

Results are added to a file, a line of JSON each, and what is there is not tried again: several
calls, with other seeds or faults, add up to one table.
"""

import argparse
import json
import sys
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tests.torture.faults import FAULTS
from tests.torture.ground import Ground
from tests.torture.trial import attempt


def main() -> int:
    """Run what is asked for; 1 where something was not recovered."""
    parsed = _parser().parse_args()
    results: Path = parsed.results
    done = {(each["fault"], each["seed"]) for each in read(results)}
    first, _, last = parsed.seeds.partition("-")
    wanted = [
        (fault, seed)
        for seed in range(int(first), int(last or first) + 1)
        for fault in parsed.faults
        if (fault, seed) not in done
    ]
    ground = Ground(parsed.folder.resolve())
    if wanted:
        ground.make()
        results.parent.mkdir(parents=True, exist_ok=True)
    for fault, seed in wanted:
        missing = FAULTS[fault].missing()
        if missing:
            say(f"{fault} {seed}: left out, {missing}")
            continue
        result = attempt(ground, fault, seed)
        with results.open("a") as file:
            file.write(json.dumps(result.as_json()) + "\n")
        word = "recovered" if result.recovered else f"NOT RECOVERED {result.differences}"
        late = "" if result.struck else " (came too late)"
        say(f"{fault} {seed} at {', '.join(result.forgotten)}: {word}{late}, {result.seconds} s")
    say(table(read(results)))
    return int(any(each["differences"] or not each["runs"] for each in read(results)))


def read(path: Path) -> list[dict[str, Any]]:
    """Give the results so far."""
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def table(results: Iterable[dict[str, Any]]) -> str:
    """Give a line for each fault, as Markdown; what came too late is no trial."""
    by_fault = defaultdict(list)
    for each in results:
        if each["struck"]:
            by_fault[each["fault"]].append(each)
    lines = ["| fault | tried | recovered | at the second run | differences |", "| --- " * 5 + "|"]
    for fault in [*FAULTS, "all"]:
        those = (
            by_fault[fault] if fault != "all" else [e for some in by_fault.values() for e in some]
        )
        good = [each for each in those if each["runs"] and not each["differences"]]
        second = sum(each["runs"] > 1 for each in those)
        differ = sum(len(each["differences"]) for each in those)
        lines.append(f"| {fault} | {len(those)} | {len(good)} | {second} | {differ} |")
    return "\n".join(lines)


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.torture", description=__doc__)
    add = parser.add_argument
    add("--seeds", default="0-21", metavar="FIRST-LAST", help="of each fault (default: 0-21)")
    add("--faults", type=_faults, default=[*FAULTS], metavar="NAME,NAME", help=", ".join(FAULTS))
    add("--results", type=Path, default=Path("build/torture.jsonl"), help="what came of each trial")
    add(
        "--folder", type=Path, default=Path("build/torture"), help="where it is done; removed first"
    )
    return parser


def _faults(text: str) -> list[str]:
    names = text.split(",")
    unknown = [name for name in names if name not in FAULTS]
    if unknown:
        raise argparse.ArgumentTypeError(f"{unknown[0]!r}; there are {', '.join(FAULTS)}")
    return names


if __name__ == "__main__":
    sys.exit(main())
