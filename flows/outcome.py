"""What became of a stage: the record that a worker gives back and that people get to see."""

from typing import Literal

from pydantic import BaseModel, ConfigDict

Did = Literal["ran", "from cache", "unchanged", "failed", "not started"]
HERE = "here"  # in place of a pool: the machine that the flow itself runs on


class Outcome(BaseModel):
    """What became of one stage of one run; goes through JSON unchanged."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    stage: str
    did: Did
    """``from cache``: done before, here or on another machine, with the same inputs;
    ``not started``: something that it needs failed."""
    seconds: float = 0.0
    """From its start to its end, the transport of data left out."""
    pool: str = HERE
    device: str | None = None
    """``cuda`` or ``cpu``, where the pool or the worker decides; else the stage chooses."""
    fell_back: bool = False
    """Its pool asks for CUDA; the worker had none and was allowed to do without."""
    last_lines: tuple[str, ...] = ()
    """Of what it said; where it failed."""
    by_hand: str = ""
    """Command that does the same at a prompt, from the folder of the run."""

    @property
    def succeeded(self) -> bool:
        """Whether what needs the stage may start."""
        return self.did in ("ran", "from cache", "unchanged")
