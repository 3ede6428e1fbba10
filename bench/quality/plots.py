"""Plots the data that `plots.ts` sends on stdin, as SVG and PNG files."""

import json
import sys
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
from matplotlib.ticker import FixedLocator, FuncFormatter, LogLocator, NullLocator

# Hone in warm colours and wide lines, its peers in cool colours and dashes, random search in grey.
WARM = ["#d62728", "#ff7f0e", "#8c2d04", "#e7298a", "#b8860b", "#fb8072", "#7f0000", "#c51b8a"]
COOL = ["#1f77b4", "#2ca02c", "#17becf", "#6a3d9a", "#003f5c", "#7fbc41", "#5f9ea0", "#9e9ac8", "#1b9e77", "#4a1486", "#6baed6", "#00441b"]
DASHES = [(4, 1.5), (1.5, 1.5), (6, 1.5, 1.5, 1.5), (8, 2), (3, 1, 1, 1, 1, 1)]
LEAST = 1e-6
PLAIN = FuncFormatter(lambda value, _: f"{value:g}")


def styles(searchers):
    """By name and not by position, so that a searcher looks the same in all plots of a run."""
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
    if one["name"] == "random":
        return "random search"
    return f"Hone {one['name']}" if one["isHone"] else one["name"]


def regret_axis(axis):
    axis.set_yscale("log")
    low, high = axis.get_ylim()
    axis.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5) if high / low < 1000 else (1,)))
    axis.yaxis.set_minor_locator(NullLocator())
    axis.yaxis.set_major_formatter(PLAIN)


def trials_axis(axis, trials):
    axis.set_xscale("log")
    ticks = [t for t in (1, 2, 5, 10, 25, 50, 100, 200, 500) if t <= trials]
    axis.xaxis.set_major_locator(FixedLocator(ticks))
    axis.xaxis.set_minor_locator(NullLocator())
    axis.xaxis.set_major_formatter(PLAIN)
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
    regret_axis(regret)
    regret.set_ylabel("mean normalised regret (lower is better)")
    rank.set_ylabel("mean rank (1 is best)")
    rank.invert_yaxis()
    figure.suptitle(plot["title"])
    figure.legend(loc="outside right center", frameon=False)
    save(figure, path)


def price(plot, style, path):
    figure, axis = plt.subplots(figsize=(8.5, 5.5), layout="constrained")
    axis.set_xscale("log")
    points = [(1000 * one["seconds"], max(LEAST, one["regret"][-1]), one) for one in plot["searchers"]]
    for x, y, one in points:
        size, marker = (70, "o") if one["isHone"] else (40, "s")
        axis.scatter(x, y, color=style[one["name"]]["color"], marker=marker, s=size, zorder=3)
    axis.set_ylim(min(y for _, y, _ in points) / 1.3, max(y for _, y, _ in points) * 1.3)
    regret_axis(axis)
    axis.margins(x=0.2)
    axis.xaxis.set_major_formatter(PLAIN)
    axis.set_xlabel("CPU time per ask, ms")
    axis.set_ylabel(f"mean normalised regret after {plot['trials']} trials (lower is better)")
    axis.set_title(plot["title"])
    axis.grid(alpha=0.25)
    name_points(figure, axis, points, style)
    save(figure, path)


def name_points(figure, axis, points, style):
    """Puts a label to the right of each point, moved down so that labels do not overlap."""
    figure.draw_without_rendering()  # before that, points have no place
    taken = []
    for x, y, one in sorted(points, key=lambda point: -point[1]):
        px, py = axis.transData.transform((x, y))
        text, shift = label(one), 0
        while any(abs(px - qx) < 8 * max(len(text), length) and abs(py + shift - qy) < 13 for qx, qy, length in taken):
            shift -= 2
        taken.append((px, py + shift, len(text)))
        axis.annotate(
            text,
            (x, y),
            (8, shift * 72 / figure.dpi - 3),
            textcoords="offset points",
            color=style[one["name"]]["color"],
            fontsize=9,
            weight="bold" if one["isHone"] and one["name"] != "random" else "normal",
        )


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
