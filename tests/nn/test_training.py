"""Training with modules: memory stays where it was."""
import gc
import tracemalloc

import numpy as np

import minigrad
from minigrad import nn


def test_a_thousand_steps_leave_memory_where_it_was_after_a_hundred():
    """With the garbage collector off: nothing of a step may live on in a cycle, no object and no array.

    What is counted is objects and the memory of arrays. (The interpreter's own total would not do: it keeps up to 2,000
    freed tuples of each length for reuse, and counts them as in use.)
    """
    minigrad.manual_seed(0)
    model = nn.Sequential(nn.Linear(16, 8), nn.ReLU(), nn.Linear(8, 4), nn.LogSoftmax(dim=1))
    loss_function = nn.NLLLoss()
    x, t = minigrad.randn(32, 16), minigrad.randint(0, 4, (32,))
    of_arrays = tracemalloc.DomainFilter(inclusive=True, domain=np.lib.tracemalloc_domain)

    def after_steps(n):
        for _ in range(n):
            model.zero_grad()
            loss_function(model(x), t).backward()
            with minigrad.no_grad():
                for p in model.parameters():
                    p -= 0.1 * p.grad
        arrays = tracemalloc.take_snapshot().filter_traces([of_arrays])
        return len(gc.get_objects()), sum(trace.size for trace in arrays.traces)

    gc.collect()
    gc.disable()
    tracemalloc.start()
    try:
        objects, array_bytes = after_steps(100)
        objects_later, array_bytes_later = after_steps(900)
    finally:
        tracemalloc.stop()
        gc.enable()
    assert array_bytes > 0
    assert array_bytes_later == array_bytes
    assert objects_later - objects < 20  # one step's graph holds more; the snapshots themselves are a handful
