import { performance } from "node:perf_hooks";
import { hashed } from "../../shared/numerics/hash.ts";
import { createRandom } from "../../shared/numerics/random.ts";
import type { SchedulerChoice } from "../../shared/scheduler/registry.ts";
import { type RungTable, SAMPLE } from "../../shared/scheduler/rung-table.ts";
import { inOrder, type Standing } from "../../shared/scheduler/standing.ts";
import { askTrials } from "../../shared/service/trials/ask.ts";
import { reportTrial } from "../../shared/service/trials/report.ts";
import { changeHead, findHead } from "../../shared/store/head.ts";
import { changeTable } from "../../shared/store/rung-table.ts";
import type { LoadedStudy } from "../../shared/study/study.ts";
import { createMemoryTable } from "../../test/support/memory-table/client.ts";
import { makeStudy, noReceipt, testDeps } from "../../test/support/service.ts";
import { median } from "../statistics.ts";

/** What reports and asks cost in a study that has seen many trials, on a table in this process that counts capacity units. */

/** Of one kind of call: means of units, the median of milliseconds. */
export interface Cost {
  readonly write: number;
  readonly read: number;
  readonly ms: number;
}

export interface Costs {
  readonly ask: Cost;
  /** A report before the first rung, which decides nothing. */
  readonly plain: Cost;
  /** A report at the first rung. */
  readonly deciding: Cost;
}

/** The first rung; reports below it decide nothing. */
const FIRST = 3;
export const resource = { name: "epoch", min: FIRST, max: 243 };
const ETA = 3;
/** Few enough for one table a rung, which is then the largest. */
const PARALLEL = 16;

/** @param calls of each kind. */
export const measure = async (scheduler: SchedulerChoice, size: number, calls: number): Promise<Costs> => {
  const { client, tableName, table } = createMemoryTable();
  const deps = testDeps(client, tableName, { now: Date.parse("2026-11-26T12:00:00Z") });
  const study = await makeStudy(deps, {
    scheduler,
    budget: { trials: size + calls + 1, parallel: PARALLEL },
    lease: { seconds: 3600, maxAttempts: 1 },
  });
  const waiting = await fillRungs(deps.store, study, size);
  const head = await findHead(deps.store, study.id);
  if (head === null) throw new Error("The study has no head.");
  const folded = { completed: 0, pruned: size - waiting, failed: 0 };
  await deps.store.update(changeHead(head, { next: size, folded }));

  const samples = { ask: [] as Cost[], plain: [] as Cost[], deciding: [] as Cost[] };
  const timed = async <T>(kind: keyof typeof samples, run: () => Promise<T>): Promise<T> => {
    table.units.reset();
    const begin = performance.now();
    const result = await run();
    samples[kind].push({ ...table.units.consumed, ms: performance.now() - begin });
    return result;
  };
  for (let call = 0; call < calls; call++) {
    const { trials } = await timed("ask", () => askTrials(deps, study, {}, noReceipt));
    for (const { number, attempt } of trials) {
      // Worse than all others: it is never handed out again, so that every call is of one kind.
      const values = { accuracy: -1 - call };
      const report = (step: number) => reportTrial(deps, study, number, { attempt, step, values }, noReceipt);
      await timed("plain", () => report(1));
      await timed("deciding", () => report(FIRST));
      // Makes room for the next one.
      await deps.store.transact([
        changeHead((await findHead(deps.store, study.id))!, { parallel: PARALLEL + call + 1 }),
      ]);
    }
  }
  return { ask: summary(samples.ask), plain: summary(samples.plain), deciding: summary(samples.deciding) };
};

const summary = (costs: readonly Cost[]): Cost => {
  const mean = (of: (cost: Cost) => number) => costs.reduce((sum, cost) => sum + of(cost), 0) / costs.length;
  return {
    write: mean(({ write }) => write),
    read: mean(({ read }) => read),
    ms: median(costs.map(({ ms }) => ms)),
  };
};

/** Rungs as so many trials leave them: all of them at the bottom, of each rung one third at the next. @returns how many wait. */
const fillRungs = async (
  store: Parameters<typeof findHead>[0],
  study: LoadedStudy,
  size: number,
): Promise<number> => {
  const { scheduler } = study;
  let waiting = 0;
  let entered = size;
  for (
    let rung = 0;
    rung < scheduler.levels.length && entered > 0;
    rung++, entered = Math.floor(entered / ETA)
  ) {
    const place = { bracket: 0, rung };
    const table = tableOf(entered, scheduler.keeps(place));
    waiting += table.waiting.length;
    const address = { study: study.id, ...place, table: 0 };
    await store.transact([changeTable(address, { table, rev: 0, failed: 0 }, table)]);
  }
  return waiting;
};

const tableOf = (entered: number, room: number): RungTable => {
  const random = createRandom(entered);
  const standings = Array.from(
    { length: entered },
    (_, trial): Standing => ({ trial, costs: [-random.uniform()], violation: 0 }),
  );
  const promoted = Math.floor(entered / ETA);
  return {
    entered,
    promoted,
    sample: [...standings].sort((a, b) => hashed(a.trial) - hashed(b.trial)).slice(0, SAMPLE),
    waiting: inOrder(standings).slice(promoted, promoted + room),
  };
};
