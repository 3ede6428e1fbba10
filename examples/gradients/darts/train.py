"""A trial: DARTS on a toy super-net whose best architecture is known, with early stopping before a collapse, and
retraining.

The target is a sum of functions of four inputs; each edge of the super-net chooses one of five. The loss that counts
is that of the derived architecture, retrained. Each epoch is saved.
"""

import tempfile
from pathlib import Path

import hone
import torch
from hone_gradients.darts import Choice, CollapseGuard, Search, choices, curvature, derive, fixed
from torch import nn
from torch.nn import functional as F

EPOCHS, STEPS, EDGES = 12, 20, 4
FUNCTIONS = {
    "none": torch.zeros_like,
    "skip": lambda x: x,
    "sine": torch.sin,
    "abs": torch.abs,
    "square": torch.square,
}


class Apply(nn.Module):
    """A function by its name, so that the model can be saved."""

    def __init__(self, name):
        super().__init__()
        self.name = name

    def forward(self, x):
        return FUNCTIONS[self.name](x)


class Super(nn.Module):
    """A choice for each input, and a weight each."""

    def __init__(self):
        super().__init__()
        self.edges = nn.ModuleList(Choice({name: Apply(name) for name in FUNCTIONS}) for _ in range(EDGES))
        self.scales = nn.Parameter(torch.ones(EDGES))

    def forward(self, x):
        return sum(self.scales[i] * edge(x[:, i]) for i, edge in enumerate(self.edges))


def planted(seed):
    """An architecture at random, and what it gives, to train and to validate with."""
    chance = torch.Generator().manual_seed(seed)
    names = [name for name in FUNCTIONS if name != "none"]
    architecture = [names[i] for i in torch.randint(len(names), (EDGES,), generator=chance)]
    x, scales = 1.5 * torch.randn(512, EDGES, generator=chance), 1 + torch.rand(EDGES, generator=chance)
    y = sum(scales[i] * FUNCTIONS[name](x[:, i]) for i, name in enumerate(architecture))
    y = y + 0.1 * torch.randn(512, generator=chance)
    return architecture, (x[:256], y[:256]), (x[256:], y[256:])


def loss(model, batch):
    return F.mse_loss(model(batch[0]), batch[1])


def retrained(model, architecture, train, val):
    """The validation loss of an architecture that is trained alone."""
    plain = fixed(model, architecture)
    optimizer = torch.optim.SGD(plain.parameters(), lr=0.02)
    for _ in range(100):
        optimizer.zero_grad()
        loss(plain, train).backward()
        optimizer.step()
    return float(loss(plain, val).detach())


def run(trial):
    """Searches, derives, and retrains."""
    architecture, train, val = planted(trial.params["seed"])
    torch.manual_seed(trial.params["seed"])
    model, guard, done = Super(), CollapseGuard(), 0
    weights = torch.optim.SGD([model.scales], lr=0.02, momentum=0.9, weight_decay=3e-4)
    mixture = torch.optim.Adam([c.alpha for c in choices(model).values()], lr=0.03, betas=(0.5, 0.999))
    search = Search(model, loss, weights, mixture, order=trial.params["order"])
    if trial.checkpoint:
        state = torch.load(trial.checkpoint)
        for part, saved in zip((model, weights, mixture), state["parts"], strict=True):
            part.load_state_dict(saved)
        guard, done = CollapseGuard(**state["guard"]), state["done"]
        torch.set_rng_state(state["chance"])
    for epoch in range(done + 1, EPOCHS + 1):
        for rows in torch.randint(256, (STEPS, 64)):
            search.step((train[0][rows], train[1][rows]), (val[0][rows], val[1][rows]))
        stops = guard.stops(curvature(model, lambda it: loss(it, val)), derive(model))
        state = {
            "parts": [part.state_dict() for part in (model, weights, mixture)],
            "guard": vars(guard),
            "done": epoch,
            "chance": torch.get_rng_state(),
        }
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "state.pt")
            torch.save(state, path)
            values = {"loss": float(loss(model, val).detach()), "curvature": guard.curvatures[-1]}
            trial.report(epoch, values, checkpoint=path)
        if stops:
            break
    found = list(guard.architecture.values())
    trial.tell(
        loss=retrained(model, guard.architecture, train, val),
        planted=sum(a == b for a, b in zip(found, architecture, strict=True)),
    )


if __name__ == "__main__":
    with hone.trial() as trial:
        run(trial)
