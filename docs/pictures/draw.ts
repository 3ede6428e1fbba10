/**
 * Draws the pictures of the pages again: `npm run pictures`.
 *
 * `runs/population.csv` and `runs/race.csv` are columns of `hone study export` of the studies that `examples/pbt.py` and
 * `examples/racing.py` made; the optimism gap and the memory of hypergradients are drawn from tables of `bench/README.md`. `runs/schedule.csv` and `runs/darts.csv` are
 * of self-tuning on digits, as in `bench/gradients`, and of the search of `examples/gradients/darts`.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { drawCurves } from "./curves.ts";
import { drawGaps, estimatesIn } from "./gap.ts";
import { drawLineage } from "./lineage.ts";
import { memoryIn } from "./memory.ts";
import { drawRaces } from "./race.ts";
import { pointsOf, rowsOf } from "./rows.ts";

const read = (path: string): string => readFileSync(new URL(path, import.meta.url), "utf8");

/** Each picture by the name of its file in `docs/methods`. */
export const pictures: Readonly<Record<string, () => string>> = {
  "pbt-lineage.svg": () =>
    drawLineage(
      rowsOf(read("runs/population.csv")),
      [
        { name: "lr", range: [0.001, 3], ticks: [0.001, 0.01, 0.1, 1], log: true },
        { name: "momentum", range: [0, 1], ticks: [0, 0.5, 1], log: false },
      ],
      "accuracy",
    ),
  "irace-runs.svg": () => drawRaces(rowsOf(read("runs/race.csv")), "error"),
  "hypergradient-memory.svg": () =>
    drawCurves(
      "Peak memory of a hypergradient by the number of steps",
      { name: "steps of training", range: [10, 160], ticks: [10, 40, 160], log: true },
      { name: "MiB", range: [0.5, 60], ticks: [0.5, 1, 2, 5, 10, 20, 50], log: true },
      ["reverse", "reverse, last 10", "reversible", "implicit, 20 terms"].map((name) => ({
        name,
        points: memoryIn(read("../../bench/README.md"), name),
        bold: name.startsWith("implicit"),
      })),
    ),
  "hypernetwork-schedule.svg": () =>
    drawCurves(
      "Hyperparameters and validation loss over the epochs of one training",
      { name: "epoch", range: [1, 40], ticks: [1, 10, 20, 30, 40] },
      { name: "rate, scale, loss", range: [0, 1], ticks: [0, 0.2, 0.4, 0.6, 0.8, 1] },
      Object.entries({
        noise: "noise",
        one0: "dropout 1a",
        one1: "dropout 1b",
        two0: "dropout 2a",
        two1: "dropout 2b",
        loss: "loss",
      }).map(([column, name]) => ({
        name,
        points: pointsOf(rowsOf(read("runs/schedule.csv")), "epoch", column).filter(([, y]) => y <= 1),
        bold: name === "loss",
      })),
    ),
  "darts-weights.svg": () =>
    drawCurves(
      "The weights of the options of one edge over the steps of a search",
      { name: "step", range: [0, 240], ticks: [0, 60, 120, 180, 240] },
      { name: "weight", range: [0, 0.6], ticks: [0, 0.2, 0.4, 0.6] },
      ["none", "skip", "sine", "abs", "square"].map((name) => ({
        name,
        points: pointsOf(rowsOf(read("runs/darts.csv")), "step", name),
        bold: name === "abs",
      })),
    ),
  "nested-cv-gap.svg": () => drawGaps(estimatesIn(read("../../bench/README.md")), 0.5),
};

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const [name, draw] of Object.entries(pictures)) {
    writeFileSync(new URL(`../methods/${name}`, import.meta.url), draw());
  }
}
