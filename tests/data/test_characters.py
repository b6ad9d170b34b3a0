"""Texts as numbers, and streams of them."""
import numpy as np
import pytest

from minigrad import data


def test_the_built_in_text_is_pythons_manual():
    from pydoc_data.topics import topics

    text = data.characters()
    whole = "".join(topics[key] for key in sorted(topics))
    assert text.decode(text.train) + text.decode(text.test) == whole
    assert len(text.test) == round(len(whole) / 10) and len(whole) > 300_000
    assert text.alphabet == "".join(sorted(set(whole))) and text.train.dtype == "int64"
    assert repr(text) == f"Characters({len(text.train)} to learn from, {len(text.test)} to test on, {len(text.alphabet)} kinds)"


def test_a_file(tmp_path):
    path = tmp_path / "text"
    path.write_text("to be, or not to bé", encoding="utf-8")
    text = data.characters(path, held_out=0.2)
    assert text.decode(text.train) == "to be, or not t" and text.decode(text.test) == "o bé"
    assert text.encode("bé").tolist() == [text.alphabet.index(c) for c in "bé"]


def test_streams_go_on_where_they_ended():
    numbers = data.Characters("abcdefghijklmnopqrstuvw", held_out=0).train  # 23 of them
    pieces = list(data.streams(numbers, 2, 4))
    assert [x.shape for piece in pieces for x in piece] == [(4, 2)] * 4
    first, second = (np.concatenate([piece[i].numpy() for piece in pieces]) for i in (0, 1))
    assert first.T.tolist() == [list(range(8)), list(range(11, 19))]
    assert (second == first + 1).all()


@pytest.mark.parametrize(("call", "error", "message"), [
    (lambda: data.Characters("a"), ValueError, "1 characters has nothing to predict"),
    (lambda: data.Characters("ab", 1.0), ValueError, "held_out is a share"),
    (lambda: data.Characters(b"ab"), TypeError, "takes a text, not bytes"),
    (lambda: data.Characters("ab").encode("ax"), ValueError, r"\['x'\] are not among the 2 characters"),
    (lambda: data.Characters("ab").decode([2]), IndexError, "2 is out of range for an alphabet of 2"),
    (lambda: data.Characters("ab").decode([0, -1]), IndexError, "-1 is out of range"),
    (lambda: list(data.streams(data.Characters("abcdef").train, 2, 4)), ValueError, "5 characters are too few for 2 streams"),
    (lambda: data.streams(data.Characters("abcdef").train, 0, 4), ValueError, "must be 1 or more"),
    (lambda: data.characters("/no/such/file"), OSError, "no/such/file"),
])
def test_bad_input(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_a_file_that_is_no_text(tmp_path):
    path = tmp_path / "bytes"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ValueError, match="utf-8"):
        data.characters(path)
