"""Relaxed choices: the search finds what was planted, and the collapse to options without weights is seen and
stopped."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest
import torch
from hone_gradients.darts import Choice, CollapseGuard, Search, choices, curvature, derive, fixed
from torch import nn
from torch.nn import functional as F


class Apply(nn.Module):
    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, x):
        return self.function(x)


OPTIONS = {"none": torch.zeros_like, "skip": nn.Identity(), "sine": torch.sin, "abs": torch.abs, "square": torch.square}
EDGES = 3


class Super(nn.Module):
    """A sum of choices, one for each input, with a weight each."""

    def __init__(self):
        super().__init__()
        self.edges = nn.ModuleList(
            Choice({name: Apply(function) for name, function in OPTIONS.items()}) for _ in range(EDGES)
        )
        self.scales = nn.Parameter(torch.ones(EDGES))

    def forward(self, x):
        return sum(self.scales[i] * edge(x[:, i]) for i, edge in enumerate(self.edges))


def loss(model, batch):
    return F.mse_loss(model(batch[0]), batch[1])


def planted(seed):
    """An architecture at random, and batches of what it gives."""
    chance = torch.Generator().manual_seed(seed)
    names = [name for name in OPTIONS if name != "none"]
    architecture = [names[i] for i in torch.randint(len(names), (EDGES,), generator=chance)]
    x = 1.5 * torch.randn(512, EDGES, generator=chance)
    scales = 1 + torch.rand(EDGES, generator=chance)
    y = sum(scales[i] * OPTIONS[name](x[:, i]) for i, name in enumerate(architecture))
    y = y + 0.1 * torch.randn(512, generator=chance)
    return architecture, (x[:256], y[:256]), (x[256:], y[256:])


def searched(order, train, val, steps=120):
    model = Super()
    search = Search(
        model,
        loss,
        torch.optim.SGD([model.scales], lr=0.02, momentum=0.9, weight_decay=3e-4),
        torch.optim.Adam([choice.alpha for choice in choices(model).values()], lr=0.05, betas=(0.5, 0.999)),
        order=order,
    )
    for _ in range(steps):
        rows = torch.randint(256, (64,))
        search.step((train[0][rows], train[1][rows]), (val[0][rows], val[1][rows]))
    return model


@pytest.mark.parametrize("order", [1, 2])
@pytest.mark.parametrize("seed", range(5))
def test_the_planted_architecture_is_found(order, seed):
    torch.manual_seed(seed)
    architecture, train, val = planted(seed)
    assert list(derive(searched(order, train, val)).values()) == architecture


def test_what_is_derived_is_retrained():
    torch.manual_seed(0)
    _, train, val = planted(0)
    model = searched(1, train, val)
    plain = fixed(model, derive(model))
    assert not choices(plain) and len(list(plain.parameters())) == 1
    optimizer = torch.optim.SGD(plain.parameters(), lr=0.02)
    for _ in range(100):
        optimizer.zero_grad()
        loss(plain, train).backward()
        optimizer.step()
    assert loss(plain, val) < 0.02 < loss(model, val)
    with pytest.raises(KeyError, match="no option 'cube'"):
        fixed(model, {**derive(model), "edges.0": "cube"})


def test_the_second_order_gradient_is_that_of_the_loss_after_a_step():
    """Of the validation loss at w - rate dT/dw, by differences in the mixture, in double precision."""
    torch.manual_seed(1)
    _, train, val = planted(1)
    train, val = (tuple(part.double() for part in batch) for batch in (train, val))
    model = Super().double()
    alphas = [choice.alpha for choice in choices(model).values()]
    search = Search(
        model, loss, torch.optim.SGD([model.scales], lr=0.05), torch.optim.SGD(alphas, lr=1.0), order=2, clip=None
    )
    before = [alpha.detach().clone() for alpha in alphas]

    def after_a_step():
        slope = torch.autograd.grad(loss(model, train), model.scales)[0]
        return float(loss_at(model.scales.detach() - 0.05 * slope))

    def loss_at(scales):
        return loss(lambda x: torch.func.functional_call(model, {"scales": scales}, (x,)), val).detach()

    expected = []
    for alpha in alphas:
        for i in range(len(alpha)):
            ends = []
            for size in (1e-5, -2e-5):
                with torch.no_grad():
                    alpha[i] += size
                ends.append(after_a_step())
            with torch.no_grad():
                alpha[i] += 1e-5
            expected.append((ends[0] - ends[1]) / 2e-5)
    search.step(train, val)
    found = torch.cat([b - a.detach() for b, a in zip(before, alphas, strict=True)])
    assert torch.max(torch.abs(found - torch.tensor(expected))) < 1e-6


def test_a_choice_weighs_its_options_and_a_tie_is_broken_by_those_that_count():
    choice = Choice({"none": Apply(torch.zeros_like), "skip": nn.Identity()})
    with torch.no_grad():
        choice.alpha.copy_(torch.tensor([1.0, 0.0]))
    assert choice.weights() == pytest.approx({"none": 0.7311, "skip": 0.2689}, abs=1e-4)
    assert choice(torch.tensor(2.0)).item() == pytest.approx(0.5379, abs=1e-4)
    model = nn.ModuleDict({"edge": choice})
    assert derive(model) == {"edge": "skip"} and derive(model, ignore=()) == {"edge": "none"}
    with pytest.raises(ValueError, match="at least 2"):
        Choice({"skip": nn.Identity()})


def test_curvature_is_the_largest_eigenvalue():
    model = nn.ModuleList(Choice({"a": nn.Identity(), "b": nn.Identity()}) for _ in range(2)).double()
    matrix = torch.tensor([[3.0, 1, 0, 0], [1, -5, 0, 2], [0, 0, 1, 0], [0, 2, 0, 1]]).double()

    def quadratic(of):
        flat = torch.cat([choice.alpha for choice in of])
        return flat @ matrix @ flat / 2

    assert curvature(model, quadratic) == pytest.approx(float(torch.linalg.eigvalsh(matrix).abs().max()))


def test_the_guard_takes_the_architecture_from_before_the_curvature_grew():
    guard = CollapseGuard(window=2, ratio=0.75)
    flat = [guard.stops(1.0, {"edge": f"good {i}"}) for i in range(4)]
    assert flat == [False] * 4 and guard.architecture == {"edge": "good 3"}
    assert guard.stops(1.2, {"edge": "good 4"}) is False
    assert guard.stops(2.0, {"edge": "skip"}) is True
    assert guard.architecture == {"edge": "good 3"}


@pytest.mark.parametrize("seed", [0, 3])
def test_a_long_search_on_few_examples_collapses_and_the_guard_prevents_it(seed):
    """The super-net of `bench/gradients/collapse.py`, in which a skip connection is never right."""
    path = Path(__file__).parents[4] / "bench/gradients/collapse.py"
    bench = importlib.util.module_from_spec(importlib.util.spec_from_file_location("collapse", path))
    bench.__spec__.loader.exec_module(bench)
    train, val, test = bench.data(seed, 40)
    end, guarded, stopped = bench.searched(seed, train, val, epochs=120)
    assert set(end.values()) == {"skip"} and set(guarded.values()) == {"layer"} and stopped < 60
    losses = [bench.retrained(seed, architecture, train, val, test) for architecture in (end, guarded)]
    assert losses[1] < 0.3 * losses[0]
