"""A GRU learns to write like Python's manual, one character after the other.

What to expect, within two minutes on one core: a progress bar with the loss in bits per character, on the way down from
log2 of the alphabet's size, 6.7; then how many bits the held-out tenth of the text costs, below 2.0, next to a trigram
model of the same text, which needs some 0.4 or more above that; and samples: first nonsense of the right letters, at
the end almost sentences, headings underlined with stars, and lists of functions that Python does not have.

    python examples/char_rnn.py [SECONDS [FILE]]

The network reads 32 places of the text at once, 64 characters at a time, and carries its state over to the next piece,
detached: the gradient goes back 64 steps, the memory as far as it likes. Try nn.LSTM (its state is a pair), fewer
steps, or a book of your own.
"""

import math
import sys
import time

import numpy as np
from tqdm import tqdm

import minigrad
from minigrad import data, nn, optim

SECONDS = float(sys.argv[1]) if len(sys.argv) > 1 else 75
STREAMS, STEPS, HIDDEN = 32, 64, 128
text = data.characters(*sys.argv[2:3])
KINDS = len(text.alphabet)


class Writer(nn.Module):
    """Characters to the logits of those that follow."""

    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(KINDS, 48)
        self.memory = nn.GRU(48, HIDDEN, recurrent_init="orthogonal")
        self.out = nn.Linear(HIDDEN, KINDS)

    def forward(self, characters, state=None):
        states, state = self.memory(self.embedding(characters), state)
        return self.out(states), state


def loss_of(logits, following):
    return nn.functional.cross_entropy(logits.reshape(-1, KINDS), following.reshape(-1))


def train(model):
    """Adam, with a rate that falls to nothing as the time runs out."""
    optimizer = optim.Adam(model.parameters(), lr=5e-3)
    start, state, bits = time.perf_counter(), None, math.log2(KINDS)
    form = "{l_bar}{bar}| {n:.0f}/{total} s{postfix}"
    with tqdm(total=round(SECONDS), mininterval=1, bar_format=form, file=sys.stdout) as bar:
        while (spent := time.perf_counter() - start) < SECONDS:
            for characters, following in data.streams(text.train, STREAMS, STEPS):
                spent = time.perf_counter() - start
                optimizer.param_groups[0]["lr"] = 5e-3 * max(1 - spent / SECONDS, 0.01)
                optimizer.zero_grad()
                logits, state = model(characters, None if state is None else state.detach())
                loss = loss_of(logits, following)
                loss.backward()
                nn.utils.clip_grad_norm_(model.parameters(), 1.0)
                optimizer.step()
                bits = 0.99 * bits + 0.01 * loss.item() / math.log(2)
                bar.set_postfix_str(f"{bits:.2f} bits a character", refresh=False)
                bar.update(min(spent, SECONDS) - bar.n)
                if spent > SECONDS:
                    break
            state = None


def bits_of(model):
    """How many bits a character of the held-out text costs, read from its beginning to its end."""
    total, count, state = 0.0, 0, None
    with minigrad.no_grad():
        for characters, following in data.streams(text.test, 1, 256):
            logits, state = model(characters, state)
            total += loss_of(logits, following).item() * len(following)
            count += len(following)
    return total / count / math.log(2)


def trigram_bits():
    """The same of an interpolated trigram: a mixture of the counts of three, two, one and no characters.

    The shares of the mixture are those that fit the last tenth of the training text best, by expectation maximisation,
    with the rest counted; then all of it is counted (Jelinek and Mercer 1980).
    """
    learned, test = text.train.numpy(), text.test.numpy()
    shares = np.full(4, 0.25)
    end = len(learned) * 9 // 10
    parts = probabilities(learned[:end], learned[end:])
    for _ in range(30):
        weighted = parts * shares
        shares = (weighted / weighted.sum(axis=1, keepdims=True)).mean(axis=0)
    return -np.log2(probabilities(learned, test) @ shares).mean()


def probabilities(learned, seen):
    """What each model says of seen[2:], one column a model: of three, two, one and no characters."""
    a, b, c = seen[:-2], seen[1:-1], seen[2:]
    one = np.bincount(learned, minlength=KINDS)
    two = np.bincount(learned[:-1] * KINDS + learned[1:], minlength=KINDS**2)
    three = np.bincount((learned[:-2] * KINDS + learned[1:-1]) * KINDS + learned[2:], minlength=KINDS**3)
    after_two, after_one = two[a * KINDS + b], one[b]
    return np.stack([
        three[(a * KINDS + b) * KINDS + c] / np.maximum(after_two, 1), two[b * KINDS + c] / np.maximum(after_one, 1),
        one[c] / len(learned), np.full(len(c), 1 / KINDS),
    ], axis=1)  # fmt: skip


def sample(model, beginning, length, warmth=0.7):
    """Go on from a beginning, each character drawn from softmax(logits / warmth)."""
    rng, written = np.random.default_rng(0), beginning
    with minigrad.no_grad():
        logits, state = model(text.encode(beginning).reshape(-1, 1))
        for _ in range(length):
            p = (logits[-1, 0].double() / warmth).softmax(0).numpy()
            following = rng.choice(KINDS, p=p)
            written += text.alphabet[following]
            logits, state = model(minigrad.tensor([[following]]), state)
    return written


def show(title, model):
    print(f"--- {title}\n{sample(model, text.decode(text.train[:16]), 300)}\n")


minigrad.manual_seed(0)
model = Writer()
print(text)
show("before", model)
train(model)
show("after", model)
found, trigram = bits_of(model), trigram_bits()
print(f"held-out text: {found:.2f} bits a character; an interpolated trigram needs {trigram:.2f}")
