"""Trainings of the networks of `digits.py`: with hyperparameters that are given, or that are tuned on the way.

Of each: the validation loss after every epoch, the least of them with the test loss there, and the seconds of CPU that
training took, without those of looking at the losses.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import torch
from digits import PROBLEMS, Digits, losses
from hone_gradients.self_tuning import Knobs, Schedule, SelfTuner, Tuning, squares

WARM_UP = 3
torch.set_num_threads(1)


class Training:
    """What all have in common."""

    def __init__(self, problem: str, data: Digits) -> None:
        self.problem, self.data = PROBLEMS[problem], data
        self.network = self.problem.network()
        self.val, self.test, self.seconds = float("inf"), float("inf"), 0.0
        self.curve: list[float] = []
        self.clock: list[float] = []

    def fit(self) -> None:
        """Trains for an epoch."""
        raise NotImplementedError

    def centre(self, size: int) -> Tuning:
        """What it validates with."""
        raise NotImplementedError

    def epoch(self) -> None:
        """Trains for an epoch, and looks at the losses."""
        start = time.process_time()
        self.fit()
        self.seconds += time.process_time() - start
        self.clock.append(self.seconds)
        with torch.no_grad():
            val, test = (
                float(losses(self.network(part, self.centre(len(part[1]))), part).mean())
                for part in (self.data.val, self.data.test)
            )
        self.curve.append(val)
        if val < self.val:
            self.val, self.test = val, test

    @property
    def result(self) -> tuple[float, float, float]:
        """The least validation loss, the test loss there, the seconds of CPU."""
        return self.val, self.test, self.seconds

    def whole(self) -> None:
        """Trains to the end."""
        while len(self.curve) < self.problem.epochs:
            self.epoch()


class Plain(Training):
    """An ordinary training, at hyperparameters that are given for each epoch, from 0. Nothing responds."""

    def __init__(self, problem: str, data: Digits, values: Callable[[int], dict[str, float]], rate: float) -> None:
        super().__init__(problem, data)
        self.values = values
        weights = [p for name, p in self.network.named_parameters() if ".general." in f".{name}"]
        self.optimizer = torch.optim.Adam(weights, lr=rate)

    def fit(self) -> None:
        values = self.values(len(self.curve))
        for batch in self.data.batches(self.data.train):
            each = {name: torch.full((len(batch[1]),), value) for name, value in values.items()}
            loss = losses(self.network(batch, Tuning(None, each)), batch).mean()
            for name, module in self.network.decays().items():
                loss = loss + values[name] * squares(module, None)
            self.optimizer.zero_grad()
            loss.backward()
            self.optimizer.step()

    def centre(self, size: int) -> Tuning:
        return Tuning(None, None)


class Tuned(Training):
    """STN, or Delta-STN. `pace`: the rate of the knobs; without `tunes` they stay."""

    def __init__(
        self, problem: str, data: Digits, delta: bool, rate: float, pace: float, tunes: bool = True
    ) -> None:
        super().__init__(problem, data)
        self.knobs, self.schedule, self.tunes = Knobs(self.problem.knobs), Schedule(), tunes
        self.tuner = SelfTuner(
            self.network,
            self.knobs,
            losses,
            size=lambda batch: len(batch[1]),
            optimizer=torch.optim.Adam(self.network.parameters(), lr=rate),
            hyper_optimizer=torch.optim.Adam(self.knobs.parameters(), lr=pace),
            decay=self.network.decays(),
            delta=delta,
        )

    def fit(self) -> None:
        data, tunes = self.data, self.tunes and len(self.curve) >= WARM_UP
        self.tuner.epoch(data.batches(data.train), data.batches(data.val, 50), tunes=tunes)
        self.schedule.add(self.knobs.now())

    def centre(self, size: int) -> Tuning:
        return Tuning(None if self.tuner.delta else self.knobs.raw.expand(size, -1), None)
