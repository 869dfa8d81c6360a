"""A small pool of threads for array work, with BLAS held to one thread.

BLAS' own threads are several times slower than ours on stacks of small matrices, and they fight
with the threads of other visitors.
"""

import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any, TypeVar

import numpy as np
from threadpoolctl import threadpool_limits

ResultT = TypeVar("ResultT")
MOST_THREADS = 4


def workers() -> int:
    """Return how many threads the pool has: the processors this process may use, capped."""
    return min(len(os.sched_getaffinity(0)), MOST_THREADS)


@cache
def _pool() -> ThreadPoolExecutor:
    threadpool_limits(limits=1, user_api="blas")
    return ThreadPoolExecutor(workers(), thread_name_prefix="core")


def hold_blas() -> None:
    """Hold BLAS to one thread for the rest of the process."""
    _pool()


def in_parallel(function: Callable[..., ResultT], items: Iterable[Any]) -> list[ResultT]:
    """Return [function(item) for item in items], computed on the pool; overflow is no warning.

    np.errstate holds for one thread only, so it is set here, where the work is done.
    """

    def quiet(item: Any) -> ResultT:
        with np.errstate(all="ignore"):
            return function(item)

    return list(_pool().map(quiet, items))
