import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { Hint } from "../../shared/optimizer/algorithm.ts";
import { buildHistory, type HistoryRow } from "../../shared/optimizer/common/history.ts";
import { askAlgorithm } from "../../shared/optimizer/propose.ts";
import type { AlgorithmName } from "../../shared/optimizer/registry.ts";
import { algorithms } from "../../shared/optimizer/registry.ts";
import { compileSpace } from "../../shared/space/compile.ts";
import { fromCube } from "../../shared/space/cube.ts";
import type { SpaceDefinition } from "../../shared/space/definition.ts";
import type { Params } from "../../shared/values.ts";
import { type Lines, startLines } from "./lines.ts";

/** What a searcher knows of a problem. */
export interface Task {
  readonly space: SpaceDefinition;
  readonly objectives: number;
  readonly outcomes: number;
  readonly seed: number;
  readonly trials: number;
  readonly parallel: number;
}

/** One study of one searcher. Objectives are minimised; an outcome is within bounds when its excess is at most 0. */
export interface Run {
  ask(): Promise<{ id: number; params: Params }>;
  tell(id: number, values: readonly number[], excess: readonly number[]): Promise<void>;
  /** CPU seconds used so far. */
  readonly seconds: () => number;
}

export interface Searcher {
  begin(task: Task): Promise<Run>;
  close(): void;
}

/** Hone's own algorithm, in this process. */
const honeSearcher = (name: AlgorithmName): Searcher => ({
  begin: async ({ space: definition, objectives, outcomes, seed, trials, parallel }) => {
    const space = compileSpace(definition);
    const problem = { space, objectives, outcomes, budget: { trials, parallel } };
    const rows: HistoryRow[] = [];
    let hint: Hint | null = null;
    let seconds = 0;
    return {
      ask: async () => {
        const history = buildHistory(space, objectives, rows, outcomes);
        const begin = process.cpuUsage();
        const answer = askAlgorithm({
          problem,
          choice: { name },
          history,
          count: 1,
          seed,
          firstNumber: rows.length,
          hint,
        });
        const { user, system } = process.cpuUsage(begin);
        seconds += (user + system) / 1e6;
        hint = answer.hint ?? hint;
        const [proposal] = answer.proposals;
        if (proposal === undefined) throw new Error(`${name} has no more configurations.`);
        const id = rows.length;
        rows.push({ number: id, x: proposal.x });
        return { id, params: fromCube(space, proposal.x) };
      },
      tell: async (id, values, excess) => {
        const violation = excess.reduce((sum, v) => sum + Math.max(0, v), 0);
        rows[id] = { ...rows[id]!, y: values, excess, violation };
      },
      seconds: () => seconds,
    };
  },
  close: () => {},
});

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));

/** What a peer supports in addition to one objective without constraints. */
type Ability = "constraints" | "objectives";

interface Peer {
  readonly env: string;
  readonly program: string;
  readonly argument?: string;
  readonly abilities: readonly Ability[];
  /** Increased when the peer's program changes its proposals. */
  readonly revision: number;
}

const BOTH = ["constraints", "objectives"] as const;
const optuna = (argument: string, abilities: readonly Ability[] = BOTH): Peer => ({
  env: "optuna",
  program: "optuna_peer.py",
  argument,
  abilities,
  revision: 1,
});

const PEERS: Readonly<Record<string, Peer>> = {
  "optuna-random": optuna("random"),
  "optuna-tpe": optuna("tpe"),
  "optuna-tpe-multivariate": optuna("tpe-multivariate"),
  "optuna-gp": optuna("gp"),
  "optuna-gp-flat": optuna("gp-flat"),
  "optuna-cma-es": optuna("cma-es", []),
  "optuna-nsga2": optuna("nsga2"),
  smac3: { env: "smac", program: "smac_peer.py", abilities: ["objectives"], revision: 1 },
  nevergrad: { env: "nevergrad", program: "nevergrad_peer.py", abilities: BOTH, revision: 1 },
  pycma: { env: "pycma", program: "pycma_peer.py", abilities: [], revision: 2 },
  skopt: { env: "skopt", program: "skopt_peer.py", abilities: [], revision: 2 },
  ax: { env: "ax", program: "ax_peer.py", abilities: BOTH, revision: 1 },
  hebo: { env: "hebo", program: "hebo_peer.py", abilities: [], revision: 1 },
  vizier: { env: "vizier", program: "vizier_peer.py", abilities: [], revision: 2 },
};
/** Time limit of a reply, seconds. */
const PATIENCE = 300;

export const environmentOf = (env: string): string => here(`../../.bench/env/${env}/bin/python`);

const peerOf = (name: string): Peer => {
  const peer = PEERS[name];
  if (peer === undefined) throw new Error(`There is no searcher ${name}.`);
  return peer;
};

/** The environments that these searchers need. */
export const environmentsOf = (names: readonly string[]): string[] => [
  ...new Set(names.filter((name) => !isHone(name)).map((name) => peerOf(name).env)),
];

/** Whether a searcher supports the problem; Hone's algorithms support all of them. */
export const canDo = (name: string, problem: string): boolean =>
  isHone(name) ||
  ((!problem.startsWith("constrained:") || peerOf(name).abilities.includes("constraints")) &&
    (!problem.startsWith("two:") || peerOf(name).abilities.includes("objectives")));

/** What a peer's proposals depend on: the packages and its program. */
const peerVersion = ({ env, revision }: Peer): string => {
  const packages = readFileSync(here(`requirements/${env}.txt`), "utf8")
    .trim()
    .split("\n");
  return `${packages.join(" ")}, ${revision}`;
};

/** `auto` uses the proposals of other algorithms, so it changes with them. */
const honeVersion = (name: AlgorithmName): string =>
  name === "auto"
    ? Object.values(algorithms)
        .map((algorithm) => algorithm.revision)
        .join(".")
    : String(algorithms[name].revision);

const isHone = (name: string): name is AlgorithmName => Object.hasOwn(algorithms, name);

/** Changes when a searcher's proposals change; results are stored under it. */
export const versionOf = (name: string): string =>
  isHone(name) ? honeVersion(name) : peerVersion(peerOf(name));

/** A searcher by its name; null when its environment is not installed. */
export const searcherOf = (name: string): Searcher | null =>
  isHone(name) ? honeSearcher(name) : peerSearcher(name);

/** A peer in a process of its own; null when its environment could not be installed. */
export const peerSearcher = (name: string): Searcher | null => {
  const { env, program, argument } = peerOf(name);
  const python = environmentOf(env);
  if (!existsSync(python)) return null;
  let lines: Lines | null = null;
  return {
    begin: async (task) => {
      lines ??= startLines(python, [here(`peers/${program}`), ...(argument ? [argument] : [])], PATIENCE);
      const process = lines;
      let seconds = 0;
      const request = async <Reply extends { seconds: number }>(body: object): Promise<Reply> => {
        const reply = await process.request<Reply>(body);
        seconds += reply.seconds;
        return reply;
      };
      await request({ do: "study", ...task, outcomes: Array.from({ length: task.outcomes }, () => ({})) });
      return {
        ask: () => request<{ seconds: number; id: number; params: Params }>({ do: "ask" }),
        tell: async (id, values, excess) => {
          await request({ do: "tell", id, values, excess });
        },
        seconds: () => seconds,
      };
    },
    close: () => {
      lines?.close();
      lines = null;
    },
  };
};
