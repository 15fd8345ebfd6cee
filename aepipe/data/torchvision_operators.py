"""Lets torchvision be imported beside a torch for which its compiled operators were not built.

torchvision from the package index is built against CUDA. Beside a CPU build of torch its library
cannot be loaded; torchvision passes over that in silence, and then its import stops at ``operator
torchvision::nms does not exist``, because it describes two operators that nobody has defined. Their
names are all that the import needs; its datasets, the only part that is used here, call neither.
"""

from importlib.util import find_spec
from pathlib import Path

# Of both, as torchvision declares them
SIGNATURE = "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"
OPERATORS = ("torchvision::nms", "torchvision::qnms")


def define_missing_operators() -> None:
    """Define torchvision's two operator names, unless its compiled library can be loaded."""
    import torch

    found = find_spec("torchvision")
    folders = found.submodule_search_locations if found is not None else None
    try:
        for library in Path(folders[0]).glob("_C*.so") if folders else ():
            torch.ops.load_library(str(library))  # type: ignore[no-untyped-call]
    except OSError:
        for operator in OPERATORS:
            if not _defined(operator):
                torch.library.define(operator, SIGNATURE)


def _defined(operator: str) -> bool:
    import torch

    namespace, name = operator.split("::")
    return hasattr(getattr(torch.ops, namespace), name)
