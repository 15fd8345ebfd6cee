"""What docs/lectures.md names is there: experiments, commands, sections of the page."""

import re
from pathlib import Path

from aepipe.__main__ import COMMANDS
from aepipe.experiments.files import experiment_names

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "docs" / "lectures.md").read_text(encoding="utf-8")
TOPICS = (
    "Principal components", "Undercomplete and overcomplete", "Sparse", "Denoising", "Contractive",
    "Convolutional", "Stacked and deep", "Variational", "Generation", "Applications",
)  # fmt: skip


def named(pattern: str) -> set[str]:
    found = set(re.findall(pattern, TEXT))
    assert found
    return found


def test_every_topic_of_the_course_has_a_table_of_commands_and_pictures():
    parts = re.split(r"^## \d+\. (.+)$", TEXT, flags=re.MULTILINE)
    assert tuple(parts[1::2]) == TOPICS
    assert all("| command | picture |" in part for part in parts[2::2])


def test_experiments_that_are_run_exist():
    assert named(r"aepipe experiment run (\w+)") <= set(experiment_names(ROOT / "experiments"))


def test_commands_and_targets_of_make_exist():
    assert named(r"`aepipe (\w+)") <= set(COMMANDS)
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert named(r"`make (\w+)`") <= set(re.findall(r"^([a-z]+):", makefile, re.MULTILINE))


def test_sections_of_the_page_have_these_names():
    templates = (ROOT / "aepipe" / "reporting" / "templates").glob("*.html")
    headings = {
        heading
        for path in templates
        for heading in re.findall(r"<h2>([^<{]+)</h2>", path.read_text(encoding="utf-8"))
    }
    assert named(r"(?<!\*)\*([^*\n]+)\*(?!\*)") <= headings


def test_params_and_links_that_it_names_are_there():
    for link in named(r"\]\(([a-z_]+\.md)\)"):
        assert (ROOT / "docs" / link).is_file()
    assert (ROOT / "experiments" / "catalogue.yaml").is_file()
