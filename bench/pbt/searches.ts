import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { pbt } from "../../shared/optimizer/pbt/index.ts";
import type { SpaceDefinition } from "../../shared/space/definition.ts";
import { type Lines, startLines } from "../quality/lines.ts";
import { environmentOf } from "../quality/searchers.ts";
import { fixedSearch } from "./fixed.ts";
import { honeSearch, type PbtOptions } from "./hone.ts";
import type { Outcome, Task } from "./outcome.ts";

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));

/** Seconds to wait for a search of a peer, or for a segment, on a busy machine. */
const PATIENCE = 1800;
/** Increased when the problems, the training or the programs of the searches change. */
const REVISION = 1;

type OwnSearch = (space: SpaceDefinition, task: Task, network: Lines) => Promise<Outcome>;

const hone =
  (options: PbtOptions): OwnSearch =>
  (space, task, network) =>
    honeSearch(space, options, task, network);

const OWN: Readonly<Record<string, OwnSearch>> = {
  "best fixed": fixedSearch,
  "hone, tournament": hone({}),
  "hone, truncation": hone({ selection: "truncation" }),
  "hone, bandit": hone({ explore: "bandit" }),
};

interface Peer {
  readonly env: string;
  readonly arguments: readonly string[];
}

const ray = (...args: readonly string[]): Peer => ({ env: "pbt-ray", arguments: ["ray_peer.py", ...args] });
const syne = (...args: readonly string[]): Peer => ({
  env: "pbt-syne",
  arguments: ["syne_peer.py", ...args],
});

const PEERS: Readonly<Record<string, Peer>> = {
  "ray pbt": ray("pbt", "0"),
  "ray pb2": ray("pb2", "0"),
  "syne pbt": syne("1"),
  "ray pbt, any failures": ray("pbt", "-1"),
  "ray pb2, any failures": ray("pb2", "-1"),
  "syne pbt, any failures": syne("-1"),
};

export const SEARCHES = [...Object.keys(OWN), ...Object.keys(PEERS)];

const peerOf = (name: string): Peer => {
  const found = PEERS[name];
  if (found === undefined) throw new Error(`There is no search ${name}; there are ${SEARCHES.join("; ")}.`);
  return found;
};

const isOwn = (name: string): boolean => Object.hasOwn(OWN, name);

export const environmentsOf = (names: readonly string[]): string[] => [
  ...new Set(names.filter((name) => !isOwn(name)).map((name) => peerOf(name).env)),
];

/** Changes when a search's results change; they are stored under it. */
export const versionOf = (name: string): string => {
  if (isOwn(name)) return `${REVISION} ${pbt.revision}`;
  const packages = readFileSync(here(`requirements/${peerOf(name).env}.txt`), "utf8").trim();
  return `${REVISION} ${packages.split("\n").join(" ")}`;
};

export const spacesOf = (): Readonly<Record<string, { readonly space: SpaceDefinition }>> =>
  JSON.parse(readFileSync(here("problems.json"), "utf8"));

export interface Search {
  run(task: Task): Promise<Outcome>;
  close(): void;
}

/** A search by its name; null when its environment is not installed. */
export const searchOf = (name: string): Search | null => {
  const own = OWN[name];
  if (own === undefined) return peerSearch(peerOf(name));
  const network = startLines(here("../../.venv/bin/python"), [here("network.py")], PATIENCE);
  const spaces = spacesOf();
  return {
    run: async (task) => {
      const { problem, seed, killed } = task;
      const found = spaces[problem];
      if (found === undefined) throw new Error(`There is no problem ${problem}.`);
      await network.request({ do: "search", problem, seed, killed });
      return own(found.space, task, network);
    },
    close: network.close,
  };
};

const peerSearch = ({ env, arguments: [program, ...args] }: Peer): Search | null => {
  const python = environmentOf(env);
  if (!existsSync(python)) return null;
  const lines = startLines(python, [here(`peers/${program}`), ...args], PATIENCE);
  return { run: (task) => lines.request<Outcome>(task), close: lines.close };
};
