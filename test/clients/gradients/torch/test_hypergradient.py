"""All methods against differences, the reference in NumPy, and closed forms, in double precision."""

from __future__ import annotations

import numpy as np
import pytest
import reference
import torch
from hone_gradients import (
    SGD,
    Adam,
    ConjugateGradient,
    Forward,
    Identity,
    Neumann,
    PeakBytes,
    Reverse,
    Reversible,
    hypergradient,
)
from problems import FEATURES, Logistic, Ridge, differences, near
from torch import nn
from torch.nn import functional as F

PROBLEMS = [Ridge, Logistic]
EXACT = ConjugateGradient(iterations=50, tolerance=1e-13)
DEVICES = ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]


def end_of(problem, step, steps, start=None):
    """The validation loss after training, as a function of the hyperparameters, without the library's methods."""

    def end(hyper):
        w = (problem.start if start is None else start).clone().requires_grad_()
        state = step.start((w,))
        for t in range(steps):
            slope = torch.autograd.grad(problem.train(w, hyper), w)
            (w,), state = step(t, (w.detach(),), state, slope, hyper)
            w = w.detach().requires_grad_()
        return problem.val(w, hyper).detach()

    return end


@pytest.mark.parametrize("kind", PROBLEMS)
@pytest.mark.parametrize(
    ("method", "step"),
    [
        (Reverse(), SGD(0.05)),
        (Reverse(), SGD(0.05, momentum=0.9)),
        (Reverse(), Adam(0.05)),
        (Reverse(last=60), Adam(0.05)),
        (Forward(), SGD(0.05, momentum=0.9)),
        (Forward(chunk=2), Adam(0.05)),
        (Reversible(), SGD(0.05, momentum=0.9)),
        (Reversible(), SGD(0.02, momentum=0.35)),
    ],
)
def test_unrolled_methods_are_differences_of_what_training_ends_with(kind, method, step):
    problem = kind()
    found = hypergradient(problem.train, problem.val, problem.start, problem.hyper, method=method, step=step, steps=60)
    end = end_of(problem, step, 60)
    near(found.gradients, differences(end, problem.hyper))
    near(found.value, end(problem.hyper), 1e-8)


@pytest.mark.parametrize("kind", PROBLEMS)
@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_unrolled_methods_are_the_reference(kind, momentum):
    problem = kind()
    given = (problem.reference, problem.start.numpy(), problem.hyper.numpy(), 0.05, momentum, 60)
    step = SGD(0.05, momentum)

    def found(method):
        return hypergradient(
            problem.train, problem.val, problem.start, problem.hyper, method=method, step=step, steps=60
        ).gradients

    near(found(Reverse()), reference.reverse(*given), 1e-12)
    near(found(Reverse(last=7)), reference.reverse(*given, last=7), 1e-12)
    near(found(Forward()), reference.forward(*given), 1e-12)
    if momentum > 0:
        near(found(Reversible()), reference.reverse(*given), 1e-8)


def test_truncated_reverse_mode_is_a_difference_of_its_last_steps():
    problem, step = Logistic(), SGD(0.1)
    given = (problem.train, problem.val, problem.start, problem.hyper)
    middle = hypergradient(*given, method=Reverse(), step=step, steps=50).weights
    found = hypergradient(*given, method=Reverse(last=10), step=step, steps=60)
    near(found.gradients, differences(end_of(problem, step, 10, middle), problem.hyper))


@pytest.mark.parametrize("kind", PROBLEMS)
@pytest.mark.parametrize("method", [EXACT, Neumann(rate=0.3, terms=2000)])
def test_implicit_methods_are_differences_of_the_optimum(kind, method):
    problem = kind()
    best = problem.optimum(problem.hyper)
    found = hypergradient(problem.train, problem.val, best, problem.hyper, method=method)
    near(found.gradients, differences(lambda h: problem.val(problem.optimum(h), h), problem.hyper))
    inverse = np.linalg.solve
    near(found.gradients, reference.implicit(problem.reference, best.numpy(), problem.hyper.numpy(), inverse), 1e-10)


def test_truncated_series_and_few_iterations_are_the_reference():
    problem = Logistic()
    best = problem.optimum(problem.hyper)
    for method, inverse in (
        (Neumann(rate=0.1, terms=5), reference.neumann(0.1, 5)),
        (ConjugateGradient(iterations=2, tolerance=0.0), reference.conjugate_gradient(2)),
        (Identity(), lambda _, v: v),
        (ConjugateGradient(50, 1e-13, damping=0.5), lambda H, v: np.linalg.solve(H + 0.5 * np.eye(len(v)), v)),
    ):
        found = hypergradient(problem.train, problem.val, best, problem.hyper, method=method)
        expected = reference.implicit(problem.reference, best.numpy(), problem.hyper.numpy(), inverse)
        near(found.gradients, expected, 1e-10)


def test_the_identity_is_exact_where_the_hessian_is():
    target = torch.tensor([1.0, -2.0, 0.5], dtype=torch.float64)

    def train(w, h):
        return ((w - h * target) ** 2).sum() / 2

    def val(w, h):
        return ((w - 3) ** 2).sum() + (h**2).sum()

    hyper = torch.tensor([0.3, 0.7, -1.0], dtype=torch.float64)
    found = hypergradient(train, val, hyper * target, hyper, method=Identity())
    near(found.gradients, differences(lambda h: val(h * target, h), hyper))


def test_unrolled_methods_come_to_the_implicit_ones_at_the_optimum():
    problem = Ridge()
    given = (problem.train, problem.val, problem.start, problem.hyper)
    implicit = hypergradient(*given, method=EXACT, step=SGD(0.1, 0.9), steps=600)
    for method in (Reverse(), Reversible(), Forward(), Reverse(last=300)):
        near(hypergradient(*given, method=method, step=SGD(0.1, 0.9), steps=600).gradients, implicit.gradients)


def test_ridge_has_a_closed_form():
    problem = Ridge()
    x, y = problem.data.x, problem.data.y
    h = problem.hyper.clone().requires_grad_()
    w = torch.linalg.solve(x.T @ x / len(y) + torch.diag(h.exp()), x.T @ y / len(y))
    (closed,) = torch.autograd.grad(problem.val(w, h), h)
    for method in (EXACT, Neumann(rate=0.3, terms=2000)):
        near(
            hypergradient(problem.train, problem.val, w.detach(), problem.hyper, method=method).gradients, closed, 1e-10
        )


def kernel(a, b, width):
    return torch.exp(-((a[:, None] - b[None]) ** 2).sum(-1) / (2 * width**2))


def test_the_smooth_dual_of_an_svm_has_a_closed_form():
    """Squared hinge: min a'(yy'K + I/C)a/2 - sum a for a >= 0, which is smooth in b where a = b^2."""
    problem = Logistic()
    x, y = problem.data.x, 2 * problem.data.y - 1
    x_val, y_val = problem.data.x_val, 2 * problem.data.y_val - 1

    def matrix(h):
        return torch.outer(y, y) * kernel(x, x, h["width"].exp()) + torch.eye(len(y)).double() / h["C"].exp()

    def train(b, h):
        a = b**2
        return a @ matrix(h) @ a / 2 - a.sum()

    def loss(a, h):
        return F.softplus(-y_val * (kernel(x_val, x, h["width"].exp()) @ (a * y))).mean()

    def closed(h):
        """On the support vectors that the constraint leaves, found by adding and dropping."""
        support = torch.ones(len(y), dtype=torch.bool)
        for _ in range(50):
            a = torch.zeros(len(y), dtype=torch.float64)
            q = matrix(h)
            a = a.masked_scatter(
                support, torch.linalg.solve(q[support][:, support], torch.ones(int(support.sum())).double())
            )
            wanted = torch.where(support, a > 0, q @ a < 1)
            if torch.equal(wanted, support):
                return a
            support = wanted
        raise AssertionError("no support found")

    hyper = {"width": torch.tensor(1.2).double(), "C": torch.tensor(0.5).double()}
    leaf = {name: value.clone().requires_grad_() for name, value in hyper.items()}
    best = closed(leaf)
    assert 0 < (best > 0).sum() < len(y)
    expected = torch.autograd.grad(loss(best, leaf), list(leaf.values()))
    found = hypergradient(
        train,
        lambda b, h: loss(b**2, h),
        best.detach().clamp(min=0).sqrt(),
        hyper,
        method=ConjugateGradient(iterations=200, tolerance=1e-13),
    )
    near(torch.stack(list(found.gradients.values())), torch.stack(expected))
    for name, value in hyper.items():
        up, down = ({**hyper, name: value + size} for size in (1e-5, -1e-5))
        difference = (loss(closed(up), up) - loss(closed(down), down)) / 2e-5
        near(found.gradients[name], difference)


@pytest.mark.parametrize("method", [Reverse(), Forward(), Reversible()])
def test_the_learning_rate_is_a_hyperparameter_too(method):
    problem = Logistic()
    step = SGD(rate=lambda h: h["rate"].exp(), momentum=0.9)
    hyper = {"rate": torch.tensor(-4.0).double(), "decay": problem.hyper}

    def train(w, h):
        return problem.train(w, h["decay"])

    def val(w, h):
        return problem.val(w, h["decay"])

    found = hypergradient(train, val, problem.start, hyper, method=method, step=step, steps=30)

    def end(rate):
        return end_of(problem, SGD(float(rate.exp()), 0.9), 30)(problem.hyper)

    near(found.gradients["rate"][None], differences(lambda at: end(at[0]), hyper["rate"][None]))
    near(
        found.gradients["decay"], differences(end_of(problem, SGD(float(hyper["rate"].exp()), 0.9), 30), problem.hyper)
    )


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("method", [Reverse(), Forward(), Reversible(), Neumann(0.1), EXACT, Identity()])
def test_a_module_trains_on_batches(method, device):
    torch.manual_seed(0)
    problem = Logistic()
    x, y = problem.data.x.to(device), problem.data.y.to(device)
    model = nn.Sequential(nn.Linear(FEATURES, 4), nn.Tanh(), nn.Linear(4, 1)).double().to(device)
    before = {name: p.detach().clone() for name, p in model.named_parameters()}
    decay = torch.tensor([-2.0, -3.0], dtype=torch.float64, device=device)

    def train(net, h, rows):
        weights = [p for name, p in net.parameters.items() if name.endswith("weight")]
        penalty = sum(rate.exp() * (p**2).sum() for rate, p in zip(h, weights, strict=True))
        return F.binary_cross_entropy_with_logits(net(x[rows])[:, 0], y[rows]) + penalty

    def val(net, h):
        return F.binary_cross_entropy_with_logits(net(x)[:, 0], y)

    def batches(t):
        return torch.arange(10 * t, 10 * t + 10) % 40

    found = hypergradient(train, val, model, decay, method=method, step=SGD(0.1, 0.5), steps=20, batches=batches)
    assert set(found.weights) == set(before) and found.gradients.shape == (2,)
    assert found.gradients.device == decay.device and bool((found.gradients != 0).all())
    for name, p in model.named_parameters():
        assert torch.equal(p, before[name])
    if isinstance(method, (Forward, Reversible)):
        other = hypergradient(train, val, model, decay, method=Reverse(), step=SGD(0.1, 0.5), steps=20, batches=batches)
        near(found.gradients, other.gradients, 1e-8)


def test_reversible_training_needs_losses_that_repeat_themselves():
    problem = Logistic()

    def noisy(w, h):
        return problem.train(w + 0.1 * torch.randn(FEATURES), h)

    with pytest.raises(ArithmeticError, match="deterministic"):
        hypergradient(
            noisy, problem.val, problem.start, problem.hyper, method=Reversible(), step=SGD(0.05, 0.9), steps=5
        )


def test_reversible_training_goes_on_when_its_buffer_is_full():
    problem = Logistic()
    given = (problem.train, problem.val, problem.start, problem.hyper)
    found, other = (
        hypergradient(*given, method=method, step=SGD(0.05, 0.5), steps=200) for method in (Reversible(), Reverse())
    )
    near(found.gradients, other.gradients, 1e-8)


def peak(method, steps, width=400):
    """The most bytes held while a method differentiates training of a small network."""
    torch.manual_seed(1)
    x, y = torch.randn(4, width), torch.randn(4, 1)
    weights, decay = torch.randn(width, 1) / width, torch.zeros(width, 1)
    with PeakBytes() as memory:
        hypergradient(
            lambda w, h: ((x @ w - y) ** 2).mean() + (h.exp() * w * w).sum(),
            lambda w, h: ((x @ w - y) ** 2).mean(),
            weights,
            decay,
            method=method,
            step=SGD(0.01, 0.9),
            steps=steps,
        )
    return memory.peak


def test_memory_by_the_number_of_steps():
    for constant in (ConjugateGradient(), Neumann(0.01), Identity(), Reversible(), Reverse(last=5)):
        assert peak(constant, 80) == peak(constant, 20), constant
    assert 3.5 < peak(Reverse(), 80) / peak(Reverse(), 20) < 4.5
    assert peak(Reverse(), 80) > 5 * peak(Reversible(), 80)


def test_what_does_not_fit_is_named():
    problem = Ridge()
    given = (problem.train, problem.val, problem.start, problem.hyper)
    with pytest.raises(ValueError, match="Give `step` and `steps`"):
        hypergradient(*given, method=Reverse())
    with pytest.raises(ValueError, match="`steps` is -1"):
        hypergradient(*given, method=EXACT, steps=-1)
    with pytest.raises(ValueError, match="`last` is 0"):
        hypergradient(*given, method=Reverse(last=0), step=SGD(0.1), steps=3)
    with pytest.raises(ValueError, match="`step` to be SGD"):
        hypergradient(*given, method=Reversible(), step=Adam(0.1), steps=3)
    with pytest.raises(ValueError, match="momentum is 0"):
        hypergradient(*given, method=Reversible(), step=SGD(0.1), steps=3)
    with pytest.raises(OverflowError, match="fewer `bits`"):
        hypergradient(*given, method=Reversible(), step=SGD(100.0, 0.9), steps=30)
    with pytest.raises(TypeError, match="`hyper` has a leaf of type float"):
        hypergradient(problem.train, problem.val, problem.start, {"decay": 0.1}, method=EXACT)
    with pytest.raises(TypeError, match="`weights` has a leaf of type torch.int64"):
        hypergradient(problem.train, problem.val, torch.ones(3, dtype=torch.int64), problem.hyper, method=EXACT)
    with pytest.raises(ValueError, match="`train_loss` gave a tensor of shape"):
        hypergradient(lambda w, h: w, problem.val, problem.start, problem.hyper, method=EXACT)
