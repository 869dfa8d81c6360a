"""The pool: results in order, BLAS on one thread, no warnings from the workers."""

import numpy as np
from threadpoolctl import threadpool_info

from core.nn.pool import WORKERS, in_parallel


def test_results_come_in_order():
    assert in_parallel(lambda item: item**2, range(50)) == [i**2 for i in range(50)]


def test_blas_is_held_to_one_thread():
    blas = [lib for lib in threadpool_info() if lib["user_api"] == "blas"]
    numpys = [lib for lib in blas if "numpy" in lib["filepath"]]  # SciPy brings its own
    assert [lib["num_threads"] for lib in numpys] == [1]


def test_overflow_in_a_worker_is_no_warning():
    out = in_parallel(np.exp, [np.array([1e4])] * (2 * WORKERS))
    assert np.isinf(out).all()
