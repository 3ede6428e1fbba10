import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { algorithms } from "../../shared/optimizer/registry.ts";
import { schedulers } from "../../shared/scheduler/registry.ts";
import { startLines } from "../quality/lines.ts";
import { environmentOf } from "../quality/searchers.ts";
import { honeSearcher } from "./hone.ts";
import type { Simulated } from "./results.ts";

/** One simulation of one searcher. */
export interface Task {
  readonly searcher: string;
  readonly problem: string;
  readonly workers: number;
  readonly seed: number;
}

export interface Outcome extends Simulated {
  readonly seconds: number;
  readonly ended: "simulation" | "patience";
}

export interface Searcher {
  /** @param patience CPU seconds after which the simulation is stopped. */
  run(task: Task, patience: number): Promise<Outcome>;
  close(): void;
}

interface Peer {
  readonly env: string;
  readonly program: string;
  readonly arguments: readonly string[];
  /** Increased when the peer's program or the simulation changes its results. */
  readonly revision: number;
}

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));

const peer = (env: string, program: string, ...args: readonly string[]): Peer => ({
  env,
  program,
  arguments: args,
  revision: 1,
});

const PEERS: Readonly<Record<string, Peer>> = {
  random: peer("fidelity-curves", "plain_peer.py", "random"),
  "one-epoch-0.02": peer("fidelity-curves", "plain_peer.py", "one-epoch", "0.02"),
  "one-epoch-0.2": peer("fidelity-curves", "plain_peer.py", "one-epoch", "0.2"),
  "one-epoch-1": peer("fidelity-curves", "plain_peer.py", "one-epoch", "1"),
  "optuna-hyperband-tpe": peer("fidelity-optuna", "optuna_peer.py", "hyperband", "tpe"),
  "optuna-hyperband-random": peer("fidelity-optuna", "optuna_peer.py", "hyperband", "random"),
  "optuna-halving-tpe": peer("fidelity-optuna", "optuna_peer.py", "halving", "tpe"),
  "optuna-halving-random": peer("fidelity-optuna", "optuna_peer.py", "halving", "random"),
  "syne-asha": peer("fidelity-syne", "syne_peer.py", "asha"),
  "syne-hyperband": peer("fidelity-syne", "syne_peer.py", "hyperband"),
  "syne-bohb": peer("fidelity-syne", "syne_peer.py", "bohb"),
  "syne-bore": peer("fidelity-syne", "syne_peer.py", "bore"),
  "syne-cqr": peer("fidelity-syne", "syne_peer.py", "cqr"),
  dehb: peer("fidelity-dehb", "dehb_peer.py"),
  "neps-priorband": peer("fidelity-neps", "neps_peer.py", "priorband"),
  "neps-hyperband": peer("fidelity-neps", "neps_peer.py", "hyperband"),
  "neps-async-hyperband": peer("fidelity-neps", "neps_peer.py", "async-hyperband"),
  "neps-asha": peer("fidelity-neps", "neps_peer.py", "asha"),
};
export const PEER_NAMES = Object.keys(PEERS);

/** Seconds to wait for a simulation, on a busy machine. */
const LONGEST_WAIT = 7200;

/** Hone's searchers: `hone-`, a scheduler, perhaps with its type, and an algorithm: `hone-none-gp`, `hone-asha.promotion-random`. */
const honeOf = (name: string) => {
  const [, scheduler, type = null, algorithm] =
    /^hone-([a-z-]+?)(?:\.([a-z]+))?-(cma-es|[a-z0-9]+)$/.exec(name) ?? [];
  if (scheduler === undefined || algorithm === undefined) return null;
  const kind = Object.values(schedulers).find((each) => each.name === scheduler);
  const chosen = Object.entries(algorithms).find(([each]) => each === algorithm)?.[1];
  if (kind === undefined || chosen === undefined)
    throw new Error(`There is no searcher ${name}: a scheduler or an algorithm of that name is not known.`);
  return { scheduler, type, algorithm, revision: `${kind.revision} ${chosen.revision}` };
};

const peerOf = (name: string): Peer => {
  const found = PEERS[name];
  if (found === undefined)
    throw new Error(
      `There is no searcher ${name}; there are ${PEER_NAMES.join(", ")} and hone-SCHEDULER-ALGORITHM.`,
    );
  return found;
};

export const CURVES = "fidelity-curves";

/** The environments that these searchers need. */
export const environmentsOf = (names: readonly string[]): string[] => [
  ...new Set([CURVES, ...names.filter((name) => honeOf(name) === null).map((name) => peerOf(name).env)]),
];

/** Changes when a searcher's proposals change; results are stored under it. */
export const versionOf = (name: string): string => {
  const hone = honeOf(name);
  if (hone !== null) return hone.revision;
  const { env, revision } = peerOf(name);
  const packages = readFileSync(here(`requirements/${env}.txt`), "utf8")
    .trim()
    .split("\n");
  return `${packages.join(" ")}, ${revision}`;
};

/** A searcher by its name; null when its environment is not installed. */
export const searcherOf = (name: string): Searcher | null => {
  const hone = honeOf(name);
  if (hone !== null) {
    const simulator = startLines(environmentOf(CURVES), [here("serve.py")], LONGEST_WAIT);
    return honeSearcher(hone, simulator);
  }
  const { env, program, arguments: args } = peerOf(name);
  const python = environmentOf(env);
  if (!existsSync(python)) return null;
  const lines = startLines(python, [here(`peers/${program}`), ...args], LONGEST_WAIT);
  return {
    run: ({ problem, workers, seed }, patience) => lines.request({ problem, workers, seed, patience }),
    close: lines.close,
  };
};
