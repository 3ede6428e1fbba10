import { startLines } from "../quality/lines.ts";
import { searchByAsha } from "./asha.ts";

/** Self-tuning beside fixed settings, random search and `asha` of the service, on the three problems of `digits.py`. */

export const PROBLEMS = ["five", "mlp", "cnn"];
/** Those of which schedules are replayed beside fixed values. */
const REPLAYED = ["five", "cnn"];
/** Rows of `asha`, and the algorithm that chooses its configurations. */
const ASHA = { "asha, random": "random", "asha, auto": "auto" };
const PATIENCE = 600;

interface Line {
  readonly table: string;
  readonly seed: number;
  readonly way: string;
  readonly val: number;
  readonly test: number;
  readonly seconds: number;
  /** Of the two that tune themselves: the validation loss after each epoch, and the seconds of CPU until then. */
  readonly curve?: readonly number[];
  readonly clock?: readonly number[];
}

/** How a Python program of this folder is run: its command without the arguments, and what it prints. */
interface Python {
  readonly command: readonly string[];
  readonly run: (...args: readonly string[]) => string;
}

/** The rates of learning of each way are chosen first, on seeds of their own. @returns lines of JSON. */
export const measureSelfTuning = async (
  { command, run }: Python,
  problem: string,
  seeds: readonly string[],
): Promise<string> => {
  const rates = run("rates", problem).trim();
  console.error(`${problem}: ${rates}`);
  const lines: string[] = [];
  for (const seed of seeds) {
    const compared = linesOf(run("compare", problem, seed, rates));
    lines.push(...compared);
    if (REPLAYED.includes(problem)) lines.push(...linesOf(run("replay", problem, seed, rates)));
    const [stn] = compared.map((text): Line => JSON.parse(text));
    for (const [way, algorithm] of Object.entries(ASHA)) {
      const [program = "", ...args] = command;
      const trainings = startLines(program, [...args, "serve", problem, seed, rates], PATIENCE);
      const { seconds = 0 } = stn ?? {};
      const found = await searchByAsha(trainings, { algorithm, seed: Number(seed), seconds });
      trainings.close();
      lines.push(JSON.stringify({ table: problem, seed: Number(seed), way, ...found }));
    }
  }
  return `${lines.join("\n")}\n`;
};

const linesOf = (output: string): string[] => output.trimEnd().split("\n");

const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

/** How near to the least loss of STN counts as having reached it. */
const NEAR = 1.02;

/** After how many epochs, and seconds, a run is as low as `loss`; null when it never is. */
const reached = ({ curve = [], clock = [] }: Line, loss: number) => {
  const epoch = curve.findIndex((value) => value <= loss);
  return epoch < 0 ? null : { epochs: epoch + 1, seconds: clock[epoch] ?? Number.NaN };
};

/** Tables in Markdown: means over the seeds, and when each run of the two comes near to the least loss of STN. */
export const reportSelfTuning = (lines: readonly Line[]): string =>
  [...Map.groupBy(lines, ({ table }) => table)]
    .map(([problem, part]) => {
      const stn = part.filter(({ way }) => way === "stn");
      const rows = [...Map.groupBy(part, ({ way }) => way)].map(([way, runs]) => {
        const [val, test, seconds] = [
          mean(runs.map((run) => run.val)).toFixed(4),
          mean(runs.map((run) => run.test)).toFixed(4),
          mean(runs.map((run) => run.seconds)).toFixed(2),
        ];
        const below = runs.filter(({ seed, val: own }) => own < lossOf(stn, seed)).length;
        return `| ${[way, val, test, seconds, way === "stn" ? "" : `${below} of ${runs.length}`].join(" | ")} |`;
      });
      const sooner = ["stn", "delta-stn"].map((way) => {
        const runs = part.filter((run) => run.way === way);
        const found = runs.map((run) => reached(run, NEAR * lossOf(stn, run.seed)));
        const text = found.map((it) => (it === null ? "never" : `${it.epochs} (${it.seconds.toFixed(2)} s)`));
        return `${way}: ${text.join(", ")}`;
      });
      return [
        `${problem}\n`,
        "| way | validation | test | seconds | validation below STN's |",
        "| --- | --- | --- | --- | --- |",
        ...rows,
        `\nEpochs (seconds) until within ${Math.round(100 * (NEAR - 1))}% of STN's least loss, by seed: ${sooner.join("; ")}\n`,
      ].join("\n");
    })
    .join("\n");

const lossOf = (stn: readonly Line[], seed: number): number =>
  stn.find((line) => line.seed === seed)?.val ?? Number.NaN;
