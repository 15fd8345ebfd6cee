"""What a user can get wrong, each with its exit code; everything else keeps its traceback."""

from typing import ClassVar

OUT_OF_MEMORY = (
    "not enough memory; lower the sizes of the network, the batch or the data in params.yaml, or "
    "run where there is more"
)


class AepipeError(Exception):
    """A mistake that the user can mend: what came, what was expected, what to do.

    Shown as one message without a traceback.
    """

    exit_code: ClassVar[int] = 2


class ParamsError(AepipeError):
    """``params.yaml`` is not what the types say; the message lists every mistake."""


class SourceError(AepipeError):
    """A data source is missing, damaged or not of the declared kind."""


class InputError(AepipeError):
    """Samples given to a trained model are not what it takes."""


class ContractError(AepipeError):
    """A table or array between two stages breaks its contract."""


class ArtifactError(AepipeError):
    """A model folder is missing, damaged or made by another version of the format."""


class StorageError(AepipeError):
    """The disk refused: no space, no permission, read-only."""


class RegistryError(AepipeError):
    """The model registry could not be reached or refused."""


class VerificationError(AepipeError):
    """A registered version is not what its recipe makes; the message says since which stage."""

    exit_code: ClassVar[int] = 5


class DivergedError(AepipeError):
    """A loss became infinite or not a number; the message says when and what to lower."""

    exit_code: ClassVar[int] = 4


def is_out_of_memory(error: Exception) -> bool:
    """Say whether memory has run out, for which torch has no exception of its own on the CPU."""
    words = ("can't allocate memory", "CUDA out of memory", "Storage size calculation overflowed")
    return isinstance(error, MemoryError) or any(each in str(error) for each in words)
