"""Hyperparameters that are tuned while the model trains."""

from __future__ import annotations

import json

import pytest
import torch
from hone_gradients.self_tuning import (
    Hypernetwork,
    HypernetworkTuner,
    Knob,
    Knobs,
    ResponseConv2d,
    ResponseEmbedding,
    ResponseLinear,
    ResponseLSTM,
    Schedule,
    SelfTuner,
    Tuning,
    dropout,
    noise,
    squares,
)
from hone_gradients.self_tuning.layers import linearised
from torch import nn
from torch.func import jvp


def answers(layer, *, fill=0.3):
    """A layer that responds to its hyperparameters."""
    for p in (layer.response.scale.weight, layer.response.shift.weight):
        nn.init.normal_(p, std=fill)
    return layer


@pytest.mark.parametrize(
    ("layer", "x"),
    [
        (lambda: ResponseLinear(4, 3, 2), torch.randn(5, 4)),
        (lambda: ResponseLinear(4, 3, 2), torch.randn(5, 7, 4)),
        (lambda: ResponseConv2d(2, 3, 3, 2, stride=2, padding=1), torch.randn(5, 2, 6, 6)),
        (lambda: ResponseEmbedding(9, 3, 2), torch.randint(9, (5, 7))),
    ],
)
def test_each_example_has_the_weights_of_its_hyperparameters(layer, x):
    """As if each example went through an ordinary layer whose weights are W + diag(U r) V."""
    torch.manual_seed(0)
    layer, response = answers(layer()), torch.randn(5, 2)
    together, norms = layer(x, Tuning(response, None)), layer.squares(response)
    for i, r in enumerate(response):
        scale, shift = layer.response.scale(r), layer.response.shift(r)
        embeds = isinstance(layer, ResponseEmbedding)
        rows = scale if embeds else scale.reshape(-1, *[1] * (layer.general.weight.ndim - 1))
        weights = {"weight": layer.general.weight + rows * layer.slope.weight}
        if not embeds:
            weights["bias"] = layer.general.bias + shift * layer.slope.bias
        alone = torch.func.functional_call(layer.general, weights, (x[i : i + 1],))
        assert torch.allclose(together[i : i + 1], alone, atol=1e-5)
        assert norms[i].item() == pytest.approx((weights["weight"] ** 2).sum().item(), rel=1e-4)


def test_an_lstm_without_a_response_is_that_of_pytorch():
    torch.manual_seed(0)
    ours, theirs, x = ResponseLSTM(3, 4, 2), nn.LSTM(3, 4, batch_first=True), torch.randn(2, 5, 3)
    for name, part in (("ih", ours.of_input), ("hh", ours.of_state)):
        part.general.load_state_dict({k: getattr(theirs, f"{k}_{name}_l0") for k in ("weight", "bias")})
    out, (hidden, cell) = ours(x, Tuning(torch.zeros(2, 2), None))
    expected, (their_hidden, their_cell) = theirs(x)
    assert torch.allclose(out, expected, atol=1e-6)
    assert torch.allclose(hidden, their_hidden[0], atol=1e-6) and torch.allclose(cell, their_cell[0], atol=1e-6)
    again, _ = ours(x[:, 2:], Tuning(torch.zeros(2, 2), None), ours(x[:, :2], Tuning(torch.zeros(2, 2), None))[1])
    assert torch.allclose(again, expected[:, 2:], atol=1e-6)


class Images(nn.Module):
    """Two convolutions and a linear layer, with dropout between them."""

    def __init__(self):
        super().__init__()
        self.first = answers(ResponseConv2d(2, 3, 3, 2, padding=1))
        self.second = answers(ResponseConv2d(3, 3, 3, 2, stride=2, padding=1))
        self.last = answers(ResponseLinear(12, 5, 2))

    def forward(self, batch, tuning):
        x = dropout(self.first(batch, tuning).relu(), tuning.value("drop"))
        return self.last(self.second(x, tuning).relu().flatten(1), tuning)


class Words(nn.Module):
    """An embedding, an LSTM and a linear layer."""

    def __init__(self):
        super().__init__()
        self.first, self.lstm, self.last = ResponseEmbedding(9, 4, 2), ResponseLSTM(4, 3, 2), ResponseLinear(3, 5, 2)
        for layer in (self.first, self.lstm.of_input, self.lstm.of_state, self.last):
            answers(layer)

    def forward(self, batch, tuning):
        return self.last(self.lstm(self.first(batch, tuning), tuning)[0], tuning)


@pytest.mark.parametrize(
    ("model", "batch"), [(Images, torch.randn(6, 2, 4, 4)), (Words, torch.randint(9, (6, 7)))], ids=["images", "words"]
)
def test_outputs_are_linearised_as_by_a_jacobian_vector_product(model, batch):
    """In value, and in the derivatives by all parameters."""
    torch.manual_seed(0)
    model, response = model(), torch.randn(6, 2)
    values = {"drop": torch.full((6,), 0.4)}

    def outputs(linear):
        torch.manual_seed(1)
        if linear:
            return linearised(model, batch, response, values)
        none = torch.zeros_like(response)
        return sum(jvp(lambda r: model(batch, Tuning(r, values)), (none,), (response,)))

    ours, theirs = outputs(True), outputs(False)
    assert torch.allclose(ours, theirs, atol=1e-6)
    weight, parameters = torch.randn(ours.shape), tuple(model.parameters())
    slopes = [torch.autograd.grad((out * weight).sum(), parameters, materialize_grads=True) for out in (ours, theirs)]
    for one, other in zip(*slopes, strict=True):
        assert torch.allclose(one, other, atol=1e-4)


def test_without_a_response_a_model_has_its_weights_at_the_centre():
    torch.manual_seed(0)
    model, batch = Images(), torch.randn(6, 2, 4, 4)
    none = torch.zeros(6, 2)
    assert torch.allclose(model(batch, Tuning(None, None)), model(batch, Tuning(none, None)))
    assert torch.allclose(squares(model, None), squares(model, none))


@pytest.mark.parametrize("scale", ["linear", "log"])
def test_a_knob_keeps_its_bounds_and_its_start(scale):
    knob = Knob("rate", 0.001, 0.9, 0.05, scale=scale)
    raw = torch.linspace(-20, 20, 101)
    values = knob.value(raw)
    assert values.min() >= 0.001 - 1e-6 and values.max() <= 0.9 + 1e-6 and bool((values.diff() >= 0).all())
    knobs = Knobs([knob])
    assert knobs.now()["rate"] == pytest.approx(0.05, rel=1e-4)
    knobs.set({"rate": 0.4})
    assert knobs.now()["rate"] == pytest.approx(0.4, rel=1e-4)
    drawn = knobs.perturbed(20_000, torch.Generator().manual_seed(1))
    assert drawn.std().item() == pytest.approx(0.5, abs=0.02)
    assert knobs.deviations().item() == pytest.approx(0.5, rel=1e-4)


def test_what_a_knob_cannot_be_is_named():
    with pytest.raises(ValueError, match="rate: `start` is 1"):
        Knob("rate", 0, 1, 1)
    with pytest.raises(ValueError, match="rate: `low` is 0"):
        Knob("rate", 0, 1, 0.5, scale="log")
    with pytest.raises(ValueError, match="rate: `perturbation` is 0"):
        Knob("rate", 0, 1, 0.5, perturbation=0)


def test_each_example_is_dropped_and_disturbed_at_its_own_rate():
    torch.manual_seed(0)
    rates = torch.tensor([0.0, 0.2, 0.9])
    dropped = dropout(torch.ones(3, 20_000), rates)
    assert torch.allclose((dropped == 0).float().mean(1), rates, atol=0.02)
    assert torch.allclose(dropped.mean(1), torch.ones(3), atol=0.1)
    channels = dropout(torch.ones(1, 500, 2, 2), torch.tensor([0.5]))
    assert bool((channels.flatten(2).std(2) == 0).all())
    assert torch.allclose(noise(torch.zeros(3, 20_000), rates).std(1), rates, atol=0.02)
    same = torch.ones(2, 2)
    assert dropout(same, None) is same and noise(same, None) is same


class Line(nn.Module):
    """A linear model, whose penalty on the weights is tuned."""

    def __init__(self, features):
        super().__init__()
        self.layer = ResponseLinear(features, 1, 1)

    def forward(self, batch, tuning):
        return self.layer(batch[0], tuning)[:, 0]


def ridge(seed):
    chance = torch.Generator().manual_seed(seed)
    truth = torch.zeros(20)
    truth[:4] = 1
    x = torch.randn(330, 20, generator=chance)
    y = x @ truth + 2 * torch.randn(330, generator=chance)
    return (x[:30], y[:30]), (x[30:], y[30:])


def val_of(decay, train, val):
    x, y = train
    w = torch.linalg.solve(x.T @ x / len(y) + decay * torch.eye(20), x.T @ y / len(y))
    return float(((val[0] @ w - val[1]) ** 2).mean() / 2)


def tuner_of(delta, seed, **more):
    torch.manual_seed(seed)
    knobs = Knobs([Knob("decay", 1e-4, 10.0, 0.002, scale="log", perturbation=0.3)])
    model = Line(20)
    return SelfTuner(
        model,
        knobs,
        lambda out, batch: (out - batch[1]) ** 2 / 2,
        size=lambda batch: len(batch[1]),
        optimizer=torch.optim.SGD(model.parameters(), lr=0.03, momentum=0.9),
        hyper_optimizer=torch.optim.Adam(knobs.parameters(), lr=0.03),
        decay="decay",
        delta=delta,
        **more,
    )


@pytest.mark.parametrize("delta", [False, True])
def test_a_penalty_is_tuned_while_the_model_trains(delta):
    train, val = ridge(2)
    tuner = tuner_of(delta, 0)
    for epoch in range(400):
        tuner.epoch([train] * 2, [val], tunes=epoch >= 50)
    grid = [10 ** (k / 10) for k in range(-40, 11)]
    best, first = min(val_of(2 * d, train, val) for d in grid), val_of(2 * 0.002, train, val)
    found = val_of(2 * tuner.knobs.now()["decay"], train, val)
    assert found - best < 0.1 * (first - best), (found, best, first, tuner.knobs.now())
    assert abs(tuner.validate([val]) - found) < 0.3 * (first - best)


def test_training_without_tuning_leaves_the_knobs():
    train, val = ridge(1)
    tuner = tuner_of(False, 0)
    before = tuner.knobs.now()
    tuner.epoch([train] * 3, [val], tunes=False)
    assert tuner.knobs.now() == before


@pytest.mark.parametrize("delta", [False, True])
def test_a_tuner_goes_on_from_its_state(delta, tmp_path):
    train, val = ridge(1)
    one, other = tuner_of(delta, 0), tuner_of(delta, 9)
    one.epoch([train] * 4, [val])
    torch.save(one.state_dict(), tmp_path / "state.pt")
    one.epoch([train] * 4, [val])
    other.load_state_dict(torch.load(tmp_path / "state.pt"))
    other.epoch([train] * 4, [val])
    assert one.knobs.now() == other.knobs.now() and one.validate([val]) == other.validate([val])


def test_delta_trains_the_weights_on_unperturbed_hyperparameters():
    """Its weights are the same however much the hyperparameters are perturbed; those of STN are not."""
    train, _ = ridge(1)
    ends = {}
    for delta in (False, True):
        for spread in (-5.0, 1.0):
            tuner = tuner_of(delta, 0)
            with torch.no_grad():
                tuner.knobs.spread.fill_(spread)
                answers(tuner.model.layer)
            tuner.train_step(train)
            ends[delta, spread] = tuner.model.layer.general.weight.detach().clone()
    assert torch.equal(ends[True, -5.0], ends[True, 1.0])
    assert not torch.allclose(ends[False, -5.0], ends[False, 1.0])


def test_what_no_output_depends_on_does_not_run_away_with_delta():
    """A response that only the decay sees is held by the part of its norm that is quadratic in it."""
    tuner = tuner_of(True, 0)
    tuner.knobs.set({"decay": 1.0})
    layer = answers(tuner.model.layer)
    tuner.optimizer = torch.optim.SGD([*layer.response.parameters(), *layer.slope.parameters()], lr=0.3)
    before = layer.squares(torch.ones(1, 1)).item()
    for _ in range(300):
        tuner.train_step((torch.zeros(30, 20), torch.zeros(30)))
    assert layer.squares(torch.ones(1, 1)).item() < before


@pytest.mark.parametrize("delta", [False, True])
def test_each_decay_is_that_of_its_module(delta):
    """Without any other loss, a step of gradient descent shrinks the weights of each module by twice its decay."""
    torch.manual_seed(0)
    model, knobs = Images(), Knobs([Knob("a", 0, 1, 0.1, perturbation=1e-6), Knob("b", 0, 1, 0.4, perturbation=1e-6)])
    layers = (model.first, model.last)
    for layer in layers:
        nn.init.zeros_(layer.slope.weight)
    before = [layer.general.weight.detach().clone() for layer in layers]
    tuner = SelfTuner(
        model,
        knobs,
        lambda out, batch: 0 * out.sum(1),
        size=len,
        optimizer=torch.optim.SGD(model.parameters(), lr=0.5),
        hyper_optimizer=torch.optim.SGD(knobs.parameters(), lr=0.1),
        decay={"a": model.first, "b": model.last},
        delta=delta,
    )
    model.forward = lambda batch, tuning: model.last(model.second(model.first(batch, tuning), tuning).flatten(1), tuning)
    tuner.train_step(torch.randn(6, 2, 4, 4))
    for layer, was, decay in zip(layers, before, (0.1, 0.4), strict=True):
        assert torch.allclose(layer.general.weight, (1 - decay) * was, atol=1e-4)


def test_squares_sum_over_layers():
    model = nn.ModuleList([answers(ResponseLinear(2, 3, 1)), answers(ResponseEmbedding(4, 2, 1))])
    response = torch.randn(5, 1)
    assert torch.allclose(squares(model, response), sum(layer.squares(response) for layer in model))


def test_a_schedule_is_kept_and_replayed(tmp_path):
    schedule = Schedule()
    for epoch in range(3):
        schedule.add({"decay": 0.1 * epoch})
    schedule.save(tmp_path / "schedule.jsonl")
    lines = (tmp_path / "schedule.jsonl").read_text().splitlines()
    assert [json.loads(line)["decay"] for line in lines] == [0.1 * epoch for epoch in range(3)]
    again = Schedule.load(tmp_path / "schedule.jsonl")
    assert again == schedule and again.at(1) == {"decay": 0.1} and again.at(7) == {"decay": 0.2}


@pytest.mark.parametrize(("draws", "hidden"), [("local", None), ("global", 16)])
def test_a_hypernetwork_learns_the_best_weights_and_tunes_through_them(draws, hidden):
    torch.manual_seed(0)
    train, val = ridge(2)
    knobs = Knobs([Knob("decay", 1e-4, 10.0, 0.02, scale="log", perturbation=0.3)])
    net = Hypernetwork(nn.Linear(20, 1, bias=False), 1, hidden)

    def fit(model, batch):
        return ((model(batch[0])[:, 0] - batch[1]) ** 2).mean() / 2

    tuner = HypernetworkTuner(
        net,
        knobs,
        lambda model, values, batch: fit(model, batch) + values["decay"] * (model.parameters["weight"] ** 2).sum(),
        fit,
        optimizer=torch.optim.Adam(net.parameters(), lr=0.01),
        hyper_optimizer=torch.optim.Adam([knobs.raw], lr=0.05),
        draws=draws,
    )
    for step in range(1500):
        tuner.train_step(train)
        if draws == "local" and step >= 300:
            tuner.tune_step(val)
    if draws == "global":
        for _ in range(150):
            tuner.tune_step(val)
    best = min(val_of(2 * 10 ** (k / 10), train, val) for k in range(-40, 11))
    found, first = (val_of(2 * d, train, val) for d in (knobs.now()["decay"], 0.02))
    assert found - best < 0.2 * (first - best), (found, best, first, knobs.now())
