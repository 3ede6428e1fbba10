import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { AlgorithmName, Hint } from "../../shared/optimizer/algorithm.ts";
import { buildHistory, type HistoryRow } from "../../shared/optimizer/history.ts";
import { askAlgorithm } from "../../shared/optimizer/propose.ts";
import { algorithms } from "../../shared/optimizer/registry.ts";
import type { Params } from "../../shared/schemas/common.ts";
import type { SpaceDefinition } from "../../shared/schemas/space.ts";
import { compileSpace } from "../../shared/space/compile.ts";
import { fromCube } from "../../shared/space/cube.ts";
import { type Lines, startLines } from "./lines.ts";

/** What a searcher is told of a problem. */
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
  /** Processor seconds spent so far. */
  readonly seconds: () => number;
}

export interface Searcher {
  /** Changes with what the searcher would answer; results are kept under it. */
  readonly version: string;
  begin(task: Task): Promise<Run>;
  close(): void;
}

/** Hone's own algorithm, in this process. */
export const honeSearcher = (name: AlgorithmName): Searcher => ({
  version: String(algorithms[name].revision),
  begin: async ({ space: definition, objectives, outcomes, seed, trials, parallel }) => {
    const space = compileSpace(definition);
    const problem = { space, objectives, outcomes, budget: { trials, parallel }, options: {} };
    const rows: HistoryRow[] = [];
    let hint: Hint | null = null;
    let seconds = 0;
    return {
      ask: async () => {
        const history = buildHistory(space, objectives, rows, outcomes);
        const begin = process.cpuUsage();
        const answer = askAlgorithm(problem, name, history, 1, seed, rows.length, { hint });
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

/** Peers: their environment, program and argument, and how long one of their answers may take. */
const PEERS: Readonly<Record<string, readonly [env: string, program: string, argument?: string]>> = {
  "optuna-random": ["optuna", "optuna_peer.py", "random"],
  "optuna-tpe": ["optuna", "optuna_peer.py", "tpe"],
  "optuna-tpe-multivariate": ["optuna", "optuna_peer.py", "tpe-multivariate"],
  "optuna-gp": ["optuna", "optuna_peer.py", "gp"],
  "optuna-cma-es": ["optuna", "optuna_peer.py", "cma-es"],
  "optuna-nsga2": ["optuna", "optuna_peer.py", "nsga2"],
  smac3: ["smac", "smac_peer.py"],
  nevergrad: ["nevergrad", "nevergrad_peer.py"],
  pycma: ["pycma", "pycma_peer.py"],
  skopt: ["skopt", "skopt_peer.py"],
  ax: ["ax", "ax_peer.py"],
  hebo: ["hebo", "hebo_peer.py"],
  vizier: ["vizier", "vizier_peer.py"],
};
export const PEER_NAMES = Object.keys(PEERS);
const PATIENCE = 300;

export const environmentOf = (env: string): string => here(`../../.bench/env/${env}/bin/python`);

/** A peer in a process of its own; null when its environment could not be installed. */
export const peerSearcher = (name: string): Searcher | null => {
  const peer = PEERS[name];
  if (peer === undefined) throw new Error(`There is no searcher ${name}.`);
  const [env, program, argument] = peer;
  const python = environmentOf(env);
  if (!existsSync(python)) return null;
  let lines: Lines | null = null;
  return {
    version: "1",
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
