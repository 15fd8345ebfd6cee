from pathlib import Path

import pytest

from aepipe.errors import ArtifactError
from aepipe.registry.described import read_registered

WRITTEN = Path("reports/registered.json")


def test_what_the_stage_wrote_is_read_back(make_models, registry):
    make_models(0)
    encoder, classifier, vae = read_registered(WRITTEN, registry, Path())
    assert [encoder.name, classifier.name, vae.name] == ["encoder", "classifier", "vae"]
    assert encoder.metrics["deep"]["squared_error"] == 1.5
    assert encoder.dataset["shape"] == [1, 4, 4]
    assert encoder.require_files() == Path("models/autoencoder")


def test_before_the_pipeline_has_run_there_is_a_word_on_what_to_do(alone, registry):
    with pytest.raises(ArtifactError, match=r"no such file.*`dvc repro` makes it"):
        read_registered(WRITTEN, registry, Path())


def test_a_description_of_other_declarations_is_refused(make_models, registry):
    make_models(0)
    fewer = {name: entry for name, entry in registry.models.items() if name != "vae"}
    with pytest.raises(ArtifactError, match="another `registry` section"):
        read_registered(WRITTEN, registry.model_copy(update={"models": fewer}), Path())


def test_a_model_that_has_changed_since_is_refused(make_models, registry):
    make_models(0)
    (encoder, *_) = read_registered(WRITTEN, registry, Path())
    Path("models/autoencoder/weights.safetensors").write_bytes(b"others")
    with pytest.raises(ArtifactError, match="not the model that registered"):
        encoder.require_files()
