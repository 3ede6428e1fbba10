/**
 * Many workers on one study: throughput, latencies, answers, and what it costs the study's partition. Prints the tables
 * for `bench/README.md`.
 *
 *   npm run bench:load                                              closed loop over HTTP, 16 and 64 workers
 *   npm run bench:load -- --via memory --workers 1000 --rate 8      open loop in process: 8 pairs a second
 *   npm run bench:load -- --via emulator --workers 16 --running 1144 --algorithm random
 *
 * `--via`: `http`, the deployed local stack (or `--api`, `--team` and `--token` of another); `emulator`, the use cases in this
 * process on the emulator's DynamoDB; `memory`, the same on a table in this process whose requests take `--latency` ms on
 * average. `--at-once`: requests that the local stack handles at once. `--rate`: pairs a second; without it a closed loop,
 * whose workers think for `--think` ms. `--running`: trials that run besides those of the workers, and never end.
 * `--finished`: finished trials to begin with.
 */
import { loadavg } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { startEmulator } from "../../local/emulator.ts";
import { type Lifetime, live } from "../../local/lifetime.ts";
import { LocalError } from "../../local/process.ts";
import { makeRunFolder, removeUnlessFailed } from "../../local/run-folder.ts";
import { startStack } from "../../local/stack.ts";
import { createRandom } from "../../shared/numerics/random.ts";
import { type AlgorithmName, algorithms } from "../../shared/optimizer/registry.ts";
import { type CpuTime, cpuTime } from "./cpu.ts";
import { closedLoop, type Load, leaseAll, openLoop } from "./drive.ts";
import { emulatedTable, inProcess, memoryTable } from "./in-process.ts";
import { type Access, overHttp } from "./over-http.ts";
import { prepare, studyBody } from "./problem.ts";
import {
  between,
  type Call,
  latencyOf,
  pairsPerSecond,
  partitionPercent,
  refusedPercent,
  type Sample,
  statusesOf,
  sumOf,
  within,
} from "./statistics.ts";
import type { Target } from "./target.ts";

const { values: flags } = parseArgs({
  options: {
    via: { type: "string", default: "http" },
    workers: { type: "string", default: "16,64" },
    seconds: { type: "string", default: "30" },
    /** Seconds at the start that are not measured: cold starts. */
    warmup: { type: "string", default: "10" },
    rate: { type: "string" },
    think: { type: "string", default: "0" },
    reports: { type: "string", default: "0" },
    running: { type: "string", default: "0" },
    finished: { type: "string", default: "0" },
    algorithm: { type: "string", default: "auto" },
    latency: { type: "string", default: "5" },
    "at-once": { type: "string" },
    api: { type: "string" },
    team: { type: "string" },
    token: { type: "string" },
  },
});

const number = (name: "seconds" | "warmup" | "think" | "reports" | "latency"): number => {
  const value = Number(flags[name]);
  if (value >= 0) return value;
  throw new LocalError(`--${name} must be a number, at least 0.`);
};

const numbers = (name: "workers" | "running" | "finished" | "rate"): number[] =>
  (flags[name] ?? "").split(",").map((text) => {
    if (/^\d+(\.\d+)?$/.test(text)) return Number(text);
    throw new LocalError(`--${name} must be numbers, separated by commas.`);
  });

const isName = (name: string): name is AlgorithmName => Object.hasOwn(algorithms, name);

const chosenAlgorithms = (): AlgorithmName[] =>
  flags.algorithm.split(",").map((name) => {
    if (isName(name)) return name;
    throw new LocalError(`There is no algorithm ${name}; there are ${Object.keys(algorithms).join(", ")}.`);
  });

const [seconds, warmup, think] = [number("seconds"), number("warmup"), number("think")];
const random = createRandom(1);

type Open = (algorithm: AlgorithmName) => Promise<Target>;

const access = async (lifetime: Lifetime, folder: string): Promise<Access> => {
  const { api, team, token } = flags;
  if (api !== undefined && team !== undefined && token !== undefined) return { api, team, token };
  const { "at-once": atOnce } = flags;
  return startStack(lifetime, {
    folder,
    team: "load",
    ...(atOnce !== undefined && { requestsAtOnce: Number(atOnce) }),
  });
};

const opener = async (lifetime: Lifetime, via: string, folder: string): Promise<Open> => {
  const body = (name: AlgorithmName) => studyBody({ name, seed: 1 });
  if (via === "memory") {
    return (name) =>
      inProcess(
        memoryTable(number("latency"), () => random.uniform()),
        body(name),
      );
  }
  if (via === "emulator") {
    const emulator = await startEmulator({ folder: join(folder, "emulator") });
    lifetime.atEnd(emulator.stop);
    return async (name) => inProcess(await emulatedTable(emulator.endpoint), body(name));
  }
  if (via !== "http") throw new LocalError(`There is no --via ${via}; there are http, emulator, memory.`);
  const found = await access(lifetime, folder);
  return (name) => overHttp(found, body(name));
};

/** A row of the table. */
interface Plan {
  readonly algorithm: AlgorithmName;
  readonly running: number;
  readonly finished: number;
  readonly workers: number;
  /** Null for a closed loop. */
  readonly rate: number | null;
}

const plans = (): Plan[] => {
  const rates = flags.rate === undefined ? [null] : numbers("rate");
  return chosenAlgorithms().flatMap((algorithm) =>
    numbers("running").flatMap((running) =>
      numbers("finished").flatMap((finished) =>
        numbers("workers").flatMap((workers) =>
          rates.map((rate) => ({ algorithm, running, finished, workers, rate })),
        ),
      ),
    ),
  );
};

const nameOf = ({ workers, rate }: Plan) =>
  rate === null ? `closed, ${workers} workers` : `open, ${rate} a second, ${workers} workers`;

interface Row {
  /** The requests that were sent in the measured seconds. */
  readonly samples: readonly Sample[];
  readonly pairs: number;
  readonly missed: number;
  readonly cost: { readonly ask: Spent; readonly tell: Spent } | null;
  readonly cpu: CpuTime | null;
}

type Spent = ReturnType<typeof between>;

/** One load on one study; the first seconds are not counted. */
const measure = async (target: Target, workers: number, rate: number | null): Promise<Row> => {
  const load: Load = { target, workers, seconds: warmup + seconds, reports: number("reports"), random };
  const idle = rate === null ? [] : await leaseAll(load);
  const run =
    rate === null
      ? closedLoop(load, think).then((samples) => ({ samples, missed: 0 }))
      : openLoop(load, rate, idle);
  await sleep(warmup * 1000);
  const [before, cpuBefore] = [target.cost(), cpuTime()];
  await sleep(seconds * 1000);
  const [after, cpuAfter] = [target.cost(), cpuTime()];
  const { samples, missed } = await run;
  const cost =
    before === null || after === null
      ? null
      : { ask: between(before.ask, after.ask), tell: between(before.tell, after.tell) };
  const [from, to] = [warmup * 1000, (warmup + seconds) * 1000];
  return {
    samples: within(samples, from, to),
    pairs: pairsPerSecond(samples, from, to),
    missed,
    cost,
    cpu: spentCpu(cpuBefore, cpuAfter),
  };
};

const spentCpu = (before: CpuTime | null, after: CpuTime | null): CpuTime | null =>
  before === null || after === null
    ? null
    : {
        own: after.own - before.own,
        emulator: after.emulator - before.emulator,
        lambdas: after.lambdas - before.lambdas,
      };

const HEADER = [
  "via",
  "load",
  "algorithm",
  "other running trials",
  "finished before",
  "pairs a second",
  "ask p50, p95, p99 ms",
  "tell p50, p95, p99 ms",
  "answers to asks",
  "answers to tells",
  "not 200",
  "read, write units an ask",
  "read, write units a tell",
  "read, write units a second",
  "of a partition",
  "lost writes a pair",
  "CPU ms a pair: Lambdas, emulator, bench",
];

const three = (samples: readonly Sample[], call: Call): string => {
  const { p50, p95, p99 } = latencyOf(samples, call);
  return [p50, p95, p99].map((ms) => ms.toFixed(0)).join(", ");
};

const answers = (samples: readonly Sample[], call: Call): string =>
  Object.entries(statusesOf(samples.filter((sample) => sample.call === call)))
    .map(([status, count]) => `${count} x ${status}`)
    .join(", ");

const cellsOf = ({ samples, pairs, missed, cost, cpu }: Row): string[] => {
  const answered = (call: Call) => samples.filter((one) => one.call === call && one.status === 200).length;
  const each = ({ reads, writes }: Spent, count: number) =>
    `${(reads / count).toFixed(1)}, ${(writes / count).toFixed(1)}`;
  const total = cost === null ? null : sumOf(cost.ask, cost.tell);
  return [
    pairs.toFixed(1) + (missed > 0 ? ` (${missed} arrivals found all workers waiting)` : ""),
    three(samples, "ask"),
    three(samples, "tell"),
    answers(samples, "ask"),
    answers(samples, "tell"),
    `${refusedPercent(samples).toFixed(2)} %`,
    ...(cost === null || total === null
      ? ["", "", "", "", ""]
      : [
          each(cost.ask, answered("ask")),
          each(cost.tell, answered("tell")),
          each(total, seconds),
          `${partitionPercent(total, seconds).toFixed(1)} %`,
          (total.lost / answered("tell")).toFixed(2),
        ]),
    cpu === null
      ? ""
      : [cpu.lambdas, cpu.emulator, cpu.own]
          .map((s) => ((s * 1000) / answered("tell")).toFixed(0))
          .join(", "),
  ];
};

const line = (cells: readonly string[]) => console.log(`| ${cells.join(" | ")} |`);

await live(async (lifetime) => {
  const folder = makeRunFolder("load");
  lifetime.atEnd(removeUnlessFailed(folder));
  console.log(
    `${seconds} s a row after ${warmup} s; load of the machine before: ${loadavg()[0]?.toFixed(1)}\n`,
  );
  line(HEADER);
  line(HEADER.map(() => "---"));
  for (const via of flags.via.split(",")) {
    const open = await opener(lifetime, via, folder);
    for (const plan of plans()) {
      const target = await open(plan.algorithm);
      await prepare(target, plan.finished, plan.running);
      const row = await measure(target, plan.workers, plan.rate);
      const before = [String(plan.running), String(plan.finished)];
      line([via, nameOf(plan), plan.algorithm, ...before, ...cellsOf(row)]);
      lifetime.signal.throwIfAborted();
    }
  }
  return 0;
});
