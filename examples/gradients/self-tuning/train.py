"""A trial: a small convolutional network on digits, or a character-level LSTM on English text, that tunes itself while
it trains.

Dropout rates, noise and weight decay follow the validation loss (Delta-STN). Each epoch is reported with the
hyperparameters of its end, which is the schedule that was found, and saved with a checkpoint. The text is that of
Python's licence, which ships with it.
"""

import os
import tempfile
from pathlib import Path

import hone
import torch
from hone_gradients.self_tuning import (
    Knob,
    Knobs,
    ResponseConv2d,
    ResponseEmbedding,
    ResponseLinear,
    ResponseLSTM,
    Schedule,
    SelfTuner,
    dropout,
    noise,
)
from sklearn.datasets import load_digits
from torch import nn
from torch.nn import functional as F

EPOCHS, WARM_UP = 6, 2


class Cnn(nn.Module):
    """Two convolutions and a linear layer, for images of 8 x 8."""

    def __init__(self, knobs):
        super().__init__()
        self.first = ResponseConv2d(1, 8, 3, knobs, padding=1)
        self.second = ResponseConv2d(8, 16, 3, knobs, stride=2, padding=1)
        self.last = ResponseLinear(16 * 16, 10, knobs)

    def forward(self, batch, tuning):
        x = noise(batch[0], tuning.value("noise"))
        x = dropout(self.first(x, tuning).relu(), tuning.value("hidden"))
        x = self.second(x, tuning).relu().flatten(1)
        return self.last(dropout(x, tuning.value("output")), tuning)


class Lstm(nn.Module):
    """An embedding, an LSTM and a linear layer, for characters."""

    def __init__(self, knobs, symbols):
        super().__init__()
        self.embedding = ResponseEmbedding(symbols, 16, knobs)
        self.lstm = ResponseLSTM(16, 32, knobs)
        self.last = ResponseLinear(32, symbols, knobs)

    def forward(self, batch, tuning):
        x = dropout(noise(self.embedding(batch[0], tuning), tuning.value("noise")), tuning.value("hidden"))
        hidden, _ = self.lstm(x, tuning)
        return self.last(dropout(hidden, tuning.value("output")), tuning)


def digits():
    """Batches of images to train with, and to validate with."""
    images, labels = load_digits(return_X_y=True)
    order = torch.randperm(len(labels), generator=torch.Generator().manual_seed(0))
    x, y = torch.tensor(images / 16).float().reshape(-1, 1, 8, 8)[order], torch.tensor(labels)[order]
    rows = torch.arange(len(y)).split(50)
    return [(x[r], y[r]) for r in rows[:6]], [(x[r], y[r]) for r in rows[6:12]]


def text():
    """Batches of 20 pieces of 24 characters with the characters that follow, and the number of different ones."""
    words = (Path(os.__file__).parent / "LICENSE.txt").read_text()[:4_800]
    symbols = sorted(set(words))
    codes = torch.tensor([symbols.index(letter) for letter in words])
    pieces = codes[: (len(codes) - 1) // 480 * 480].reshape(-1, 20, 24)
    follow = codes[1 : 1 + pieces.numel()].reshape(-1, 20, 24)
    batches = list(zip(pieces, follow, strict=True))
    held = len(batches) * 2 // 3
    return batches[:held], batches[held:], len(symbols)


def losses(outputs, batch):
    """Of each example; of a sequence the mean of its characters."""
    each = F.cross_entropy(outputs.movedim(-1, 1), batch[1], reduction="none")
    return each.flatten(1).mean(1) if each.ndim > 1 else each


def tuner_of(params):
    """The tuner, and its batches."""
    torch.manual_seed(0)
    knobs = Knobs(
        [
            Knob("hidden", 0, 0.9, params["dropout"]),
            Knob("output", 0, 0.9, params["dropout"]),
            Knob("noise", 0, 0.5, 0.05),
            Knob("decay", 1e-7, 1e-2, 1e-5, scale="log"),
        ]
    )
    if params["model"] == "cnn":
        train, val = digits()
        network = Cnn(len(knobs))
    else:
        train, val, symbols = text()
        network = Lstm(len(knobs), symbols)
    tuner = SelfTuner(
        network,
        knobs,
        losses,
        size=lambda batch: len(batch[1]),
        optimizer=torch.optim.Adam(network.parameters(), lr=0.005),
        hyper_optimizer=torch.optim.Adam(knobs.parameters(), lr=0.03),
        decay="decay",
        delta=True,
    )
    return tuner, train, val


def run(trial):
    """Trains; each epoch's report has the loss and the hyperparameters."""
    tuner, train, val = tuner_of(trial.params)
    schedule = Schedule()
    if trial.checkpoint:
        state = torch.load(Path(trial.checkpoint, "state.pt"))
        tuner.load_state_dict(state)
        schedule = Schedule.load(Path(trial.checkpoint, "schedule.jsonl"))
    for epoch in range(len(schedule.epochs), EPOCHS):
        tuner.epoch(train, val, tunes=epoch >= WARM_UP)
        schedule.add(tuner.knobs.now())
        with tempfile.TemporaryDirectory() as folder:
            torch.save(tuner.state_dict(), Path(folder, "state.pt"))
            schedule.save(Path(folder, "schedule.jsonl"))
            trial.report(epoch + 1, {"loss": tuner.validate(val), **tuner.knobs.now()}, checkpoint=folder)


if __name__ == "__main__":
    with hone.trial() as trial:
        run(trial)
