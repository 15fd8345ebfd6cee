import json
import threading
from dataclasses import asdict
from pathlib import Path

import pytest

from aepipe.errors import RegistryError
from aepipe.registry.commands import (
    history_lines,
    promote_version,
    roll_back_champion,
)
from aepipe.registry.gate import GATE, REASONS
from aepipe.registry.moves import ANNOUNCED, MOVE, Move, read_moves, reigns
from aepipe.tracking.server import tracking_uri

pytestmark = [
    pytest.mark.pipeline,
    pytest.mark.filterwarnings("ignore"),  # MLflow's own; none of them is ours to mend
]
GOOD, WORSE, MUCH_WORSE = 1.5, 1.6, 2.4  # a champion with 1.5 has the interval 1.3 to 1.7


def client():
    from mlflow import MlflowClient

    return MlflowClient(tracking_uri())


def aliases(name: str = "encoder") -> dict[str, int]:
    return {a: int(v) for a, v in client().get_registered_model(name).aliases.items()}


def versions(name: str = "encoder") -> list[int]:
    return sorted(int(each.version) for each in client().search_model_versions(f"name = '{name}'"))


def moves(name: str = "encoder") -> list[tuple[str | None, str, str]]:
    return [(move.origin, move.to, move.kind) for move in read_moves(client(), name)]


def test_a_version_whose_gate_opens_becomes_champion_and_the_former_one_previous(light):
    (said,) = light(0, GOOD)
    assert "is version 1, which is new and is the champion now, after none" in said
    assert aliases() == {"candidate": 1, "champion": 1}
    light(1, WORSE)
    assert aliases() == {"candidate": 2, "champion": 2, "previous": 1}
    light(1, WORSE)
    light(1, WORSE)
    assert moves() == [(None, "1", "gate"), ("1", "2", "gate")]
    first, second = read_moves(client(), "encoder")
    assert first.when < second.when
    assert "@" in second.who
    assert "1.6 is inside or better than the champion's 1.3 to 1.7" in second.why
    assert client().get_model_version("encoder", "2").tags[GATE] == "open"


def test_a_version_whose_gate_stays_closed_is_candidate_and_says_why(light):
    light(0, GOOD)
    (said,) = light(1, MUCH_WORSE)
    reason = "deep.squared_error not worse than champion (2.4 is worse than all of the champion's"
    assert f"is not made champion: {reason} 1.3 to 1.7)" in said
    assert aliases() == {"candidate": 2, "champion": 1}
    tags = client().get_model_version("encoder", "2").tags
    assert tags[GATE] == "closed"
    assert tags[REASONS].splitlines() == [
        "holds: deep.squared_error <= pca.squared_error (2.4 <= 2.5, with 2.5 of pca_3)",
        f"fails: {reason} 1.3 to 1.7)",
    ]
    light(1, GOOD)  # judged anew: the same bytes, other figures
    assert aliases() == {"candidate": 2, "champion": 2, "previous": 1}


def test_a_rollback_goes_back_and_registering_does_not_undo_it(light):
    for seed in (0, 1, 2):
        light(seed)
    told = roll_back_champion("encoder", "it failed on Monday's data")
    assert told == "encoder@champion is version 2 now, after version 3: it failed on Monday's data"
    assert aliases() == {"candidate": 3, "champion": 2, "previous": 1}
    (said,) = light(2)
    assert "was rolled back" in said
    assert "`aepipe promote encoder 3` makes it so again" in said
    (said,) = light(1)
    assert "is version 2, which was there and is the champion" in said
    assert aliases() == {"candidate": 2, "champion": 2, "previous": 1}
    roll_back_champion("encoder", "further back")
    assert aliases() == {"candidate": 2, "champion": 1}
    with pytest.raises(RegistryError, match=r"no former one is left .*`aepipe promote encoder V"):
        roll_back_champion("encoder", "once more")
    assert promote_version("encoder", "3", "mended").startswith("encoder@champion is version 3 now")
    assert promote_version("encoder", "3", "mended") == "encoder: version 3 is the champion already"
    assert aliases() == {"candidate": 2, "champion": 3, "previous": 1}
    promote_version("encoder", "1", "back")
    promote_version("encoder", "2", "forth")
    roll_back_champion("encoder", "back to 1, which came after 3")
    assert aliases() == {"candidate": 2, "champion": 1, "previous": 3}
    assert [line.split()[1:5] for line in history_lines("encoder")[3:6]] == [
        ["3", "->", "2", "rollback"],
        ["2", "->", "1", "rollback"],
        ["1", "->", "3", "promotion"],
    ]
    assert history_lines("encoder")[-1] == (
        "@candidate is version 2, @champion is version 1, @previous is version 3"
    )


def test_two_pipelines_that_register_in_turn_do_not_take_the_alias_from_each_other(light):
    light(0)
    light(1)
    (said,) = light(0)
    assert "was champion before version 2" in said
    assert aliases() == {"candidate": 1, "champion": 2, "previous": 1}


def test_what_was_moved_by_other_means_is_put_on_record(light):
    light(0)
    light(1)
    client().set_registered_model_alias("encoder", "champion", "1")
    assert "moved by other means" in history_lines("encoder")[2]
    light(1)
    assert moves()[-1] == ("2", "1", "found")
    assert len(moves()) == 3


@pytest.mark.parametrize(
    ("command", "problem"),
    [
        (lambda: roll_back_champion("decoder", ""), "no such registered model; there is encoder"),
        (lambda: history_lines("decoder"), "no such registered model; there is encoder"),
        (lambda: promote_version("decoder", "1", ""), "no such model; there is encoder"),
        (lambda: promote_version("encoder", "7", ""), "no such version; there is 1; aliases @cand"),
        (lambda: roll_back_champion("encoder", ""), "version 1 is champion and no former one"),
    ],
)
def test_what_is_not_there_is_said_with_what_is(light, command, problem):
    light(0)
    with pytest.raises(RegistryError, match=problem):
        command()


def test_the_record_keeps_the_last_moves(light, monkeypatch):
    monkeypatch.setattr("aepipe.registry.moves.KEPT", 5)
    light(0)
    light(1)
    for number in range(7):
        when = f"2000-01-01T00:00:00.{number:06}+00:00"
        text = json.dumps(asdict(Move(when, "who", "promotion", "1", "2", "1", "before")))
        client().set_registered_model_tag("encoder", f"{MOVE}20000101{number:06}.x", text)
    roll_back_champion("encoder", "the last")
    kept = read_moves(client(), "encoder")
    assert len(kept) == 5
    assert kept[-1].why == "the last"


def move(kind: str, to: str) -> Move:
    return Move("", "", kind, None, to, None, "")


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        ([], []),
        ([("gate", "1"), ("gate", "2")], ["1", "2"]),
        ([("gate", "1"), ("gate", "2"), ("rollback", "1")], ["1"]),
        ([("gate", "1"), ("gate", "2"), ("promotion", "1")], ["1", "2", "1"]),
        ([("gate", "1"), ("gate", "2"), ("rollback", "1"), ("gate", "3")], ["1", "3"]),
        ([("rollback", "4")], ["4"]),  # what came before is kept no longer
    ],
)
def test_a_rollback_takes_the_last_champion_off_the_line(made, expected):
    assert reigns([move(*each) for each in made]) == expected


class Failing:
    """A client whose connection is lost at the call of a given number: done, and never answered.

    To be lost before a call is to be lost after the one before it.
    """

    def __init__(self, at: int) -> None:
        self.client, self.left = client(), at

    def __getattr__(self, name: str):
        from mlflow.exceptions import MlflowException

        function = getattr(self.client, name)

        def call(*arguments, **named):
            self.left -= 1
            try:
                return function(*arguments, **named)
            finally:
                if self.left == 0:
                    raise MlflowException("the connection is lost")

        return call


def test_wherever_the_registry_goes_away_no_half_version_has_an_alias(light):
    """And the next registration ends where an undisturbed one does."""
    for at in range(1, 1000):
        name = f"encoder{at}"
        light(0, GOOD, name)
        try:
            light(1, WORSE, name, Failing(at))
            break
        except RegistryError:
            present = aliases(name)
            assert present["champion"] in (1, 2)
            assert present["candidate"] >= present["champion"]
            for version in set(present.values()):
                require_whole(name, version)
        light(1, WORSE, name)
        assert aliases(name) == {"candidate": 2, "champion": 2, "previous": 1}
        assert versions(name) == [1, 2]
        assert moves(name) == [(None, "1", "gate"), ("1", "2", "gate")]
        assert ANNOUNCED not in client().get_registered_model(name).tags
        require_whole(name, 2)
    assert at > 25, "every call was tried, and there are that many at least"


def require_whole(name: str, number: int) -> None:
    version = client().get_model_version(name, str(number))
    assert version.tags["metric.deep.squared_error"]
    assert version.description.startswith(f"# {name}")
    logged = client().get_logged_model(version.source.removeprefix("models:/"))
    files = Path(logged.artifact_location)
    assert (files / "artifacts/model/weights.safetensors").is_file()
    assert (files / "README.md").is_file()


def test_two_registrations_at_once_make_one_version(light, make_encoder, monkeypatch):
    """As two folders do by way of a server, where no lock keeps one of them waiting."""
    from aepipe.registry import versions as module

    light(0)
    model = make_encoder(1)
    experiment = client().get_experiment_by_name("experiment").experiment_id
    both = threading.Barrier(2)

    def log_model(client, experiment, model, folder):
        logged = client.create_logged_model(experiment, name=model.name)
        client.log_model_artifacts(logged.model_id, str(folder), "artifacts/model")
        both.wait(timeout=300)  # so that neither has seen the other's version
        return logged

    monkeypatch.setattr("aepipe.registry.publish.log_model", log_model)
    found: list[str] = []

    def register() -> None:
        found.append(module.require_version(client(), experiment, model).version.version)

    threads = [threading.Thread(target=register) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 2
    assert found[0] == found[1]
    assert versions() == [1, int(found[0])]
