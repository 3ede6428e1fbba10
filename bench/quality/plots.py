"""Draws what `plots.ts` hands over on stdin into a folder, as SVG and PNG."""

import json
import sys
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
from matplotlib.ticker import FixedLocator, NullFormatter, NullLocator, ScalarFormatter

# Hone in warm colours and wide lines, its peers in cool ones and dashes, chance in grey.
WARM = ["#d62728", "#ff7f0e", "#8c2d04", "#e7298a", "#b8860b", "#fb8072", "#7f0000", "#c51b8a"]
COOL = ["#1f77b4", "#2ca02c", "#17becf", "#6a3d9a", "#003f5c", "#66a61e", "#5f9ea0", "#3182bd", "#756bb1", "#238b45"]
DASHES = [(4, 1.5), (1.5, 1.5), (6, 1.5, 1.5, 1.5), (8, 2), (3, 1, 1, 1, 1, 1)]
LEAST = 1e-6


def styles(searchers):
    """By name and not by place, so that a searcher looks the same in all plots of a run."""
    warm, cool, found = iter(WARM * 3), iter(enumerate(COOL * 3)), {}
    for name, is_hone in sorted({(one["name"], one["isHone"]) for one in searchers}):
        if name == "random":
            found[name] = {"color": "#888888", "linewidth": 1.5, "linestyle": ":"}
        elif is_hone:
            found[name] = {"color": next(warm), "linewidth": 2.6}
        else:
            i, color = next(cool)
            found[name] = {"color": color, "linewidth": 1.4, "dashes": DASHES[i % len(DASHES)]}
    return found


def label(one):
    return f"Hone {one['name']}" if one["isHone"] else one["name"]


def trials_axis(axis, trials):
    axis.set_xscale("log")
    ticks = [t for t in (1, 2, 5, 10, 25, 50, 100, 200, 500) if t <= trials]
    axis.xaxis.set_major_locator(FixedLocator(ticks))
    axis.xaxis.set_minor_locator(NullLocator())
    axis.xaxis.set_major_formatter(ScalarFormatter())
    axis.set_xlim(1, trials)
    axis.set_xlabel("trials")
    axis.grid(alpha=0.25)


def curves(plot, style, path):
    figure, (regret, rank) = plt.subplots(1, 2, figsize=(12.5, 5.2), layout="constrained")
    for one in plot["searchers"]:
        kind = style[one["name"]]
        over = 3 if one["isHone"] else 2
        regret.plot(plot["at"], [max(LEAST, v) for v in one["regret"]], label=label(one), zorder=over, **kind)
        rank.plot(plot["at"], one["rank"], zorder=over, **kind)
    trials_axis(regret, plot["trials"])
    trials_axis(rank, plot["trials"])
    regret.set_yscale("log")
    regret.set_ylabel("mean normalised regret (lower is better)")
    rank.set_ylabel("mean rank (1 is best)")
    rank.invert_yaxis()
    figure.suptitle(plot["title"])
    figure.legend(loc="outside right center", frameon=False)
    save(figure, path)


def price(plot, style, path):
    figure, axis = plt.subplots(figsize=(8, 5.2), layout="constrained")
    lowest = min(one["regret"][-1] for one in plot["searchers"])
    highest = max(one["regret"][-1] for one in plot["searchers"])
    for one in plot["searchers"]:
        kind = style[one["name"]]
        x, y = 1000 * one["seconds"], max(LEAST, one["regret"][-1])
        axis.scatter(x, y, color=kind["color"], marker="o" if one["isHone"] else "s", s=70 if one["isHone"] else 40)
        weight = "bold" if one["isHone"] else "normal"
        axis.annotate(label(one), (x, y), (6, 4), textcoords="offset points", color=kind["color"], fontsize=9, weight=weight)
    axis.set_xscale("log")
    axis.set_yscale("log")
    axis.set_ylim(max(LEAST, lowest) / 1.3, max(LEAST, highest) * 1.3)
    axis.yaxis.set_minor_formatter(NullFormatter())
    axis.margins(x=0.18)
    axis.set_xlabel("processor time an ask, ms")
    axis.set_ylabel(f"mean normalised regret after {plot['trials']} trials")
    axis.set_title(plot["title"])
    axis.grid(alpha=0.25, which="both")
    save(figure, path)


def save(figure, path):
    for kind in ("svg", "png"):
        figure.savefig(path.with_name(f"{path.name}.{kind}"), dpi=110)
    plt.close(figure)


folder = Path(sys.argv[1])
folder.mkdir(parents=True, exist_ok=True)
plots = json.load(sys.stdin)
style = styles([one for plot in plots for one in plot["searchers"]])
for plot in plots:
    curves(plot, style, folder / plot["file"])
    price(plot, style, folder / f"{plot['file']}-time")
