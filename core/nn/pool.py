"""A small pool of threads for array work, with BLAS held to one thread.

BLAS' own threads are several times slower than ours on stacks of small matrices, and they fight
with the threads of other visitors. Both belong to the process and are set on import.
"""

import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import numpy as np
from threadpoolctl import threadpool_limits

ResultT = TypeVar("ResultT")
MOST_THREADS = 4

CORES = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
WORKERS = min(CORES, MOST_THREADS)

threadpool_limits(limits=1, user_api="blas")
_pool = ThreadPoolExecutor(WORKERS, thread_name_prefix="core")


def in_parallel(function: Callable[[Any], ResultT], items: Iterable[Any]) -> list[ResultT]:
    """Return [function(item) for item in items], computed on the pool; overflow is no warning.

    np.errstate holds for one thread only, so it is set here, where the work is done. Never call
    this from inside `function`: a full pool would wait for itself.
    """

    def quiet(item: Any) -> ResultT:
        with np.errstate(all="ignore"):
            return function(item)

    return list(_pool.map(quiet, items))
