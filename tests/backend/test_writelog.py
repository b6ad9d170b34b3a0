"""The write log by itself."""

import numpy as np

from minigrad.autograd import next_tick
from minigrad.backend import writelog


def write(array):
    tick = next_tick()
    writelog.log(array, tick)
    return tick


def test_only_what_overlaps_and_is_younger_counts():
    x = np.zeros((4, 4))
    before = next_tick()
    assert not writelog.written_since(x, before)
    tick = write(x[1:3])
    assert writelog.last == tick
    assert (
        writelog.written_since(x, before)
        and writelog.written_since(x[2], before)
        and writelog.written_since(x.T[0, 1:2], before)
    )
    assert not writelog.written_since(x[0], before) and not writelog.written_since(x[3:], before)
    assert not writelog.written_since(x, tick) and not writelog.written_since(np.zeros(4), before)


def test_views_with_negative_strides_and_none_elements():
    x = np.zeros(8)
    before = next_tick()
    write(x[5:2:-1])  # elements 5, 4, 3
    assert writelog.written_since(x[3:4], before) and writelog.written_since(x[5:6], before)
    assert not writelog.written_since(x[2:3], before) and not writelog.written_since(x[6:], before)
    y = np.zeros(8)
    write(y[3:3])
    assert not writelog.written_since(y[:2], before)


def test_the_newest_write_to_a_range_counts():
    x = np.zeros(4)
    first = write(x)
    second = write(x)
    assert writelog.written_since(x, first) and not writelog.written_since(x, second)


def test_many_ranges_are_merged_without_losing_one():
    x = np.zeros(1000)
    before = next_tick()
    for i in range(0, 1000, 2):
        write(x[i : i + 1])
    assert all(writelog.written_since(x[i : i + 1], before) for i in range(0, 1000, 2))
    (ranges,) = [b.ranges for b in writelog._buffers.values() if b.owner() is x]
    assert len(ranges) <= 64


def test_a_buffer_is_forgotten_with_its_owner():
    x = np.zeros(3)
    write(x)
    assert id(x) in writelog._buffers
    key = id(x)
    del x
    assert key not in writelog._buffers
