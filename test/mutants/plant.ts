import { appendFileSync, existsSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { describe, inject, TestRunner, test } from "vitest";
import { MemoryTable } from "../support/memory-table/memory-table.ts";
import type { Mutant } from "./instrument.ts";

declare module "vitest" {
  interface ProvidedContext {
    planted: {
      readonly mutants: readonly Mutant[];
      readonly tests: readonly string[];
      readonly results: string;
    };
  }
}

/** The switchboard of the instrumented source. */
interface Switches {
  activeMutant?: string | undefined;
  currentTestId?: string | undefined;
  mutantCoverage?: { static: Record<string, number>; perTest: Record<string, Record<string, number>> };
  hitCount?: number;
  hitLimit?: number;
}
const root = globalThis as { __stryker__?: Switches };
const switches = () => (root.__stryker__ ??= {});

/** Tables that were used since the last test began. */
const used = new Set<MemoryTable>();
const { execute } = MemoryTable.prototype;
MemoryTable.prototype.execute = function (...args) {
  used.add(this);
  return execute.apply(this, args);
};

/** Clients, too; and what tests put into them, and take out again unless a mutant fails them before. */
const clients = new Set<DynamoDBClient>();
const { send } = DynamoDBClient.prototype;
DynamoDBClient.prototype.send = function (this: DynamoDBClient, ...args: Parameters<typeof send>) {
  clients.add(this);
  return send.apply(this, args);
} as typeof send;
const OF_TESTS = ["hone-crash", "hone-wire", "hone-before", "hone-commands", "hone-losing"];

const { mutants, tests, results } = inject("planted");
// Vitest itself runs none of them: `testNamePattern` in vitest.config.ts.
for (const file of tests) describe(file, async () => void (await import(resolve(file))));

/** What modules have put into tables of their own as they were loaded. */
const initial = new Map<MemoryTable, ReturnType<MemoryTable["items"]>>();

/** Each test finds what it would find if it were the first. */
const reset = (): void => {
  for (const table of used) table.restore(initial.get(table) ?? []);
  used.clear();
  for (const client of clients) for (const name of OF_TESTS) client.middlewareStack.remove(name);
  clients.clear();
};

type Fn = () => unknown;
interface Task {
  readonly id: string;
  readonly type: string;
  readonly fullName: string;
  readonly tasks?: readonly Task[];
}
const leaves = (tasks: readonly Task[]): Task[] =>
  tasks.flatMap((task) => (task.type === "suite" ? leaves(task.tasks ?? []) : [task]));

/** What a test of the sources as they are took. */
interface Case {
  readonly name: string;
  readonly run: Fn;
  readonly ms: number;
  readonly turns: number;
  /** How often it came by each mutant. */
  readonly hits: Readonly<Record<string, number>>;
}

class Hung extends Error {}

const MOST_TURNS = 500;

/**
 * Runs a test for so many turns of this process at most: turns, not time, for what else the machine does is not held
 * against a mutant.
 * @returns how many turns it took. @throws what the test throws; Hung if it does not end.
 */
const attempt = async (run: Fn, most: number): Promise<number> => {
  reset();
  let turns = 0;
  let clock: NodeJS.Timeout | undefined;
  const tooLong = new Promise<never>((_, reject) => {
    clock = setInterval(() => {
      if (++turns > most) reject(new Hung());
    }, 10);
  });
  try {
    await Promise.race([(async () => run())(), tooLong]);
    return turns;
  } finally {
    clearInterval(clock);
  }
};

const clean = async (task: Task): Promise<Case | null> => {
  const run = TestRunner.getTestFn(task as never);
  const from = performance.now();
  switches().currentTestId = task.id;
  try {
    const turns = await attempt(run, Number.POSITIVE_INFINITY);
    const hits = switches().mutantCoverage?.perTest[task.id] ?? {};
    return { name: task.fullName, run, ms: performance.now() - from, turns, hits };
  } catch {
    // It can run only once: it relies on what it left behind.
    return null;
  } finally {
    switches().currentTestId = undefined;
  }
};

/** @returns the name of the test that notices the mutant, and how; null if none does. */
const noticedBy = async (id: string, cases: readonly Case[]): Promise<{ how: string; by: string } | null> => {
  for (const { name, run, turns, hits } of cases) {
    Object.assign(switches(), { activeMutant: id, hitCount: 0, hitLimit: 100 * (hits[id] ?? 0) + 1000 });
    try {
      await attempt(run, 5 * turns + MOST_TURNS);
    } catch (error) {
      return { how: error instanceof Hung ? "hung" : "killed", by: name };
    } finally {
      switches().activeMutant = undefined;
    }
    if ((switches().hitCount ?? 0) > (switches().hitLimit ?? 0)) return { how: "hung", by: name };
  }
  return null;
};

const note = (line: object) => appendFileSync(results, `${JSON.stringify(line)}\n`);
const noted = () =>
  existsSync(results)
    ? readFileSync(results, "utf8")
        .split("\n")
        .filter(Boolean)
        .map((line) => JSON.parse(line))
    : [];

test("all mutants are planted", async ({ task }) => {
  // No test has run yet, but all modules are loaded.
  for (const table of used) initial.set(table, table.items());
  const constants = new Set(Object.keys(switches().mutantCoverage?.static ?? {}));
  const all = leaves(task.file.tasks as readonly Task[]).filter(({ fullName }) =>
    tests.some((file) => fullName.includes(file)),
  );
  const cases: Case[] = [];
  for (const each of all) {
    const one = await clean(each);
    if (one === null) note({ status: "once", test: each.fullName });
    else cases.push(one);
  }
  cases.sort((a, b) => a.ms - b.ms);
  const known = new Set(noted().map(({ id }) => id));
  for (const mutant of mutants) {
    if (known.has(mutant.id)) continue;
    const reached = cases.filter(({ hits }) => hits[mutant.id]);
    if (reached.length === 0) {
      note({ ...mutant, status: constants.has(mutant.id) ? "constant" : "unreached" });
      continue;
    }
    note({ ...mutant, status: "running" });
    const found = await noticedBy(mutant.id, reached);
    note({ ...mutant, status: found?.how ?? "survived", by: found?.by });
  }
  const broken = [];
  for (const each of cases)
    if ((await attempt(each.run, 5 * each.turns + MOST_TURNS).catch(() => "failed")) === "failed")
      broken.push(each.name);
  note({ status: "end", broken });
});
