"""One thread at a time, so that figures do not depend on how many cores there are."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from threadpoolctl import threadpool_limits


@contextmanager
def one_thread() -> Iterator[None]:
    """Let no library share its work out inside the block.

    The last bits then do not depend on the number of cores; and evaluations that run side by side
    do not wait for each other's threads, which made some of them 20 times slower.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with threadpool_limits(1):
            yield
    finally:
        torch.set_num_threads(before)
