"""DataLoader: batches in order or shuffled."""
import math

import numpy as np
import pytest

import minigrad
from minigrad.data import DataLoader, Dataset, TensorDataset


class Counted(TensorDataset):
    """Counts how often it is asked for single examples, and for batches."""

    def __init__(self, *tensors):
        super().__init__(*tensors)
        self.singles = self.batches = 0

    def __getitem__(self, index):
        self.singles += 1
        return super().__getitem__(index)

    def batch(self, indices):
        self.batches += 1
        return super().batch(indices)


def numbers(n=10):
    return TensorDataset(minigrad.arange(n), minigrad.arange(n) * 10)


def seen(loader):
    return [x.tolist() for x, _ in loader]


@pytest.mark.parametrize(("batch_size", "drop_last", "lengths"), [
    (1, False, [1] * 10), (3, False, [3, 3, 3, 1]), (3, True, [3, 3, 3]), (5, True, [5, 5]), (10, False, [10]),
    (64, False, [10]), (64, True, [])])
def test_batches_in_order(torch, batch_size, drop_last, lengths):
    loader = DataLoader(numbers(), batch_size, drop_last=drop_last)
    batches = list(loader)
    assert [len(x) for x, _ in batches] == lengths and len(loader) == len(lengths)
    assert [i for x, _ in batches for i in x.tolist()] == list(range(sum(lengths)))
    assert all((y == x * 10).all() for x, y in batches)
    assert len(torch.utils.data.DataLoader(range(10), batch_size, drop_last=drop_last)) == len(lengths)


def test_three_descents():
    """Steps a pass: one an example, one a batch, one in all."""
    assert [len(DataLoader(numbers(), size)) for size in (1, 4, 10)] == [10, 3, 1]


def test_shuffling_covers_everything_once_in_a_new_order_each_pass():
    loader = DataLoader(numbers(), 4, shuffle=True, generator=minigrad.Generator(1))
    passes = [[i for batch in seen(loader) for i in batch] for _ in range(3)]
    assert all(sorted(p) == list(range(10)) for p in passes)
    assert len({tuple(p) for p in passes}) == 3
    again = DataLoader(numbers(), 4, shuffle=True, generator=minigrad.Generator(1))
    assert [[i for batch in seen(again) for i in batch] for _ in range(3)] == passes


def test_manual_seed_repeats_the_shuffle():
    loader = DataLoader(numbers(), 4, shuffle=True)
    minigrad.manual_seed(4)
    first = seen(loader)
    minigrad.manual_seed(4)
    assert seen(loader) == first != seen(loader)


def test_every_order_is_equally_likely():
    """Of 3! orders each comes 1/6 of the time: chi-squared with 5 degrees of freedom, below its 99.9% point."""
    loader = DataLoader(numbers(3), 3, shuffle=True, generator=minigrad.Generator(2))
    orders = [tuple(seen(loader)[0]) for _ in range(1200)]
    counts = [orders.count(order) for order in sorted(set(orders))]
    assert len(counts) == 6 and sum((c - 200) ** 2 / 200 for c in counts) < 20.5


def test_two_passes_at_once_do_not_disturb_each_other():
    loader = DataLoader(numbers(4), 1)
    assert [(x.item(), y.item()) for x, _ in loader for y, _ in loader] == [(i, j) for i in range(4) for j in range(4)]


def test_a_batch_of_a_tensor_dataset_is_no_loop_over_examples():
    data = Counted(minigrad.arange(10))
    list(DataLoader(data, 4, shuffle=True))
    assert (data.singles, data.batches) == (0, 3)


def test_a_batch_is_a_copy():
    data = numbers()
    for x, _ in DataLoader(data, 10):
        x.zero_()
    assert data.tensors[0].tolist() == list(range(10))


def test_batches_stay_on_the_device_of_the_data(cuda):
    data = TensorDataset(minigrad.arange(6, device=cuda), minigrad.ones(6, 2, device=cuda))
    for shuffle in (False, True):
        batches = list(DataLoader(data, 4, shuffle=shuffle))
        assert all(t.device.type == "cuda" for batch in batches for t in batch)
        assert sorted(i for x, _ in batches for i in x.tolist()) == list(range(6))


def test_datasets_of_any_kind():
    class Halves(Dataset):
        def __len__(self):
            return 3

        def __getitem__(self, i):
            return np.float32(i / 2)

    assert [b.tolist() for b in DataLoader(Halves(), 2)] == [[0.0, 0.5], [1.0]]
    assert [b.tolist() for b in DataLoader([5, 6, 7], 2)] == [[5, 6], [7]]


def test_a_collate_fn_gets_the_list_of_examples():
    loader = DataLoader(["a", "b", "c"], 2, collate_fn="".join)
    assert list(loader) == ["ab", "c"]
    assert list(DataLoader([1, 2], None, collate_fn=lambda e: e * 10)) == [10, 20]


def test_without_batches():
    loader = DataLoader(numbers(3), batch_size=None)
    assert [(x.item(), y.item()) for x, y in loader] == [(0, 0), (1, 10), (2, 20)] and len(loader) == 3


def test_samplers():
    loader = DataLoader(numbers(), 2, sampler=[9, 1, 5])
    assert seen(loader) == [[9, 1], [5]] and len(loader) == 2
    loader = DataLoader(numbers(), batch_sampler=[[1, 2, 3], [0]])
    assert seen(loader) == [[1, 2, 3], [0]] and len(loader) == 2
    assert seen(DataLoader(numbers(), 2, sampler=(i for i in (4, 3)))) == [[4, 3]]


@pytest.mark.parametrize("index", [10, -11])
@pytest.mark.parametrize("options", [{}, {"batch_size": None}, {"batch_size": 2}, {"collate_fn": len}])
def test_a_sampler_may_give_only_what_is_there(index, options):
    message = f"sampler gave index {index}, but the dataset has 10 examples"
    with pytest.raises(IndexError, match=f"^DataLoader: {message}"):
        list(DataLoader(numbers(), sampler=[1, index], **options))
    with pytest.raises(IndexError, match=f"^DataLoader: batch_{message}"):
        list(DataLoader(numbers(), batch_sampler=[[1], [2, index]]))


def test_a_sampler_may_count_from_the_end_and_give_any_integers():
    assert seen(DataLoader(numbers(), 3, sampler=[-1, -10, np.int64(4)])) == [[9, 0, 4]]
    assert seen(DataLoader(numbers(), batch_sampler=[np.array([3, 1]), [minigrad.tensor(2)]])) == [[3, 1], [2]]
    with pytest.raises(TypeError):
        list(DataLoader(numbers(), sampler=[1.5]))


def test_with_a_sampler_the_dataset_needs_no_length():
    class Squares(Dataset):
        def __getitem__(self, i):
            return i * i

    assert [b.tolist() for b in DataLoader(Squares(), 2, sampler=[3, 1000, 2])] == [[9, 1000000], [4]]


def test_arguments_of_ported_code_are_accepted():
    assert len(list(DataLoader(numbers(), 5, num_workers=2, pin_memory=True))) == 2


@pytest.mark.parametrize("size", [0, -1, True])
def test_batch_sizes_that_are_none(size):
    with pytest.raises(ValueError, match=f"batch_size must be a positive integer or None, not {size}"):
        DataLoader(numbers(), size)


@pytest.mark.parametrize(("options", "error", "message"), [
    ({"batch_size": 2.5}, TypeError, r"batch_size must be a positive integer or None, not 2\.5"),
    ({"batch_size": "4"}, TypeError, "batch_size must be a positive integer or None, not '4'"),
    ({"num_workers": -1}, ValueError, "num_workers must be 0 or a positive integer, not -1"),
    ({"num_workers": 0.5}, TypeError, r"num_workers must be 0 or a positive integer, not 0\.5"),
    ({"collate_fn": 3}, TypeError, "collate_fn must be a function of a list of examples, not 3"),
    ({"sampler": 3}, TypeError, "sampler must be an iterable of indices, not 3"),
    ({"batch_sampler": 3}, TypeError, "batch_sampler must be an iterable of lists of indices, not 3"),
    ({"sampler": [1], "shuffle": True}, ValueError, "leave out shuffle"),
    ({"batch_sampler": [[1]], "batch_size": 2}, ValueError, "batch_sampler excludes"),
    ({"batch_sampler": [[1]], "drop_last": True}, ValueError, "batch_sampler excludes"),
    ({"batch_size": None, "drop_last": True}, ValueError, "drop_last has no meaning"),
    ({"generator": 3}, TypeError, "Generator"),
])
def test_bad_options_are_refused_when_it_is_made(options, error, message):
    with pytest.raises(error, match=message):
        DataLoader(numbers(), **options)


def test_an_empty_dataset_has_no_batches():
    loader = DataLoader(TensorDataset(minigrad.zeros(0, 2)), 3, shuffle=True)
    assert len(loader) == 0 and list(loader) == []


def test_lengths_by_formula():
    for n in range(7):
        for k in range(1, 8):
            assert len(DataLoader(range(n), k)) == math.ceil(n / k) == len(list(DataLoader(range(n), k)))
            full = DataLoader(range(n), k, drop_last=True)
            assert len(full) == n // k == len(list(full))
