import pytest

from aepipe.errors import AepipeError
from flows import device
from flows.device import Place, find_place

CPU = {"AEPIPE_DEVICE": "cpu"}


@pytest.mark.parametrize("pool", ["cpu", "cpu-large", "night"])
def test_a_pool_that_promises_nothing_computes_on_the_processor(pool, monkeypatch):
    monkeypatch.setattr(device, "_has_cuda", lambda: pytest.fail("asked for what nobody needs"))
    assert find_place(pool, None) == Place("cpu", environment=CPU)


@pytest.mark.parametrize("pool", ["cuda", "cuda-a100"])
def test_cuda_is_there_or_allowed_to_be_missing_or_missed(pool, monkeypatch):
    monkeypatch.setattr(device, "_has_cuda", lambda: True)
    assert find_place(pool, None) == find_place(pool, "cpu") == Place("cuda")
    monkeypatch.setattr(device, "_has_cuda", lambda: False)
    assert find_place(pool, "cpu") == Place("cpu", fell_back=True, environment=CPU)
    with pytest.raises(AepipeError, match=f"the pool {pool} promises CUDA and torch finds none"):
        find_place(pool, None)
