import type { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { createRandom, type Random } from "../../shared/numerics/random.ts";
import type { LeasedTrial } from "../../shared/schemas/trial.ts";
import type { ServiceDeps, WriteContext } from "../../shared/service/core/deps.ts";
import { patchStudy } from "../../shared/service/studies/patch.ts";
import { readStudy } from "../../shared/service/studies/read.ts";
import { addTrials } from "../../shared/service/trials/add.ts";
import { askTrials } from "../../shared/service/trials/ask.ts";
import { listTrials, readTrial } from "../../shared/service/trials/read.ts";
import { heartbeatTrial, reportTrial } from "../../shared/service/trials/report.ts";
import { tellTrial } from "../../shared/service/trials/tell.ts";
import type { LoadedStudy } from "../../shared/study/study.ts";
import { injectFaults } from "./faults.ts";
import { type Event, violations } from "./invariants.ts";
import { keyed, makeStudy, noReceipt, testDeps } from "./service.ts";
import { faultFor, untilAnswered } from "./until-answered.ts";

/**
 * Workers of one client study, recorded: they ask, report, beat and tell with keys and without, hang until their lease is
 * over and come back, while the clock jumps past leases and calls fail. A seed leads to much the same history each time.
 */
export interface HistoryTable {
  readonly client: DynamoDBClient;
  readonly tableName: string;
}

export interface History {
  readonly violations: readonly string[];
  /** What happened how often, to see that a history is not an idle one. */
  readonly counts: Readonly<Record<Counted, number>>;
}

export const counted = [
  "told",
  "failed",
  "released",
  "reported",
  "beaten",
  "fault",
  "takeover",
  "last attempt lost",
  "stale",
  "enqueued",
  "imported",
  "paused",
] as const;
export type Counted = (typeof counted)[number];

const BUDGET = 24;
const LEASE = { seconds: 60, maxAttempts: 2 };
const WORKERS = 5;
const TURNS = 40;

export const playHistory = async (seed: number, table: HistoryTable): Promise<History> => {
  const history = new Play(seed, table);
  return history.run();
};

class Play {
  readonly #dice: Random;
  readonly #table: HistoryTable;
  readonly #clock = { now: Date.parse("2026-11-23T12:00:00Z") };
  readonly #events: Event[] = [];
  readonly #reports: { number: number; attempt: number; step: number }[] = [];
  readonly #refusedValues: { number: number; accuracy: number }[] = [];
  readonly #counts = Object.fromEntries(counted.map((what) => [what, 0])) as Record<Counted, number>;
  #imported = 0;
  #keys = 0;
  #order = 0;

  constructor(seed: number, table: HistoryTable) {
    this.#dice = createRandom(seed);
    this.#table = table;
  }

  #fresh = (): ServiceDeps => testDeps(this.#table.client, this.#table.tableName, this.#clock);

  #chance(probability: number): boolean {
    return this.#dice.uniform() < probability;
  }

  async run(): Promise<History> {
    const study = await makeStudy(this.#fresh(), {
      executor: { type: "client" },
      budget: { trials: BUDGET, parallel: 4 },
      lease: LEASE,
    });
    const restore = injectFaults(this.#table.client, () => this.#fault());
    await Promise.all(Array.from({ length: WORKERS }, (_, i) => this.#work(study, `w${i}`)));
    this.#counts.fault += restore();
    await this.#finish(study);
    return { violations: await this.#judge(study), counts: this.#counts };
  }

  #fault = () => faultFor(this.#dice.uniform(), 0.12);
  #send = <T>(run: (deps: ServiceDeps) => Promise<T>) => untilAnswered(() => this.#fresh(), run);

  /** With a key, or without one where a repeat finds what was done. */
  #context(isSafe: boolean): WriteContext {
    return isSafe && this.#chance(0.5) ? noReceipt : keyed(`key-${this.#keys++}`);
  }

  async #work(study: LoadedStudy, worker: string): Promise<void> {
    let held: LeasedTrial[] = [];
    for (let turn = 0; turn < TURNS; turn++) {
      if (this.#chance(0.1)) this.#clock.now += (LEASE.seconds + 1) * 1000;
      else this.#clock.now += 1000;
      await this.#manage(study, worker);
      // What hung comes back, whoever has its trial by now.
      if (held.length > 0 && this.#chance(0.4)) {
        for (const trial of held) await this.#tell(study, worker, trial);
        held = [];
      }
      const write = this.#context(true);
      const body = { worker: `${worker}-${turn}`, count: 1 + this.#dice.integer(2) };
      const reply = await this.#send((deps) => askTrials(deps, study, body, write));
      if (typeof reply === "string") continue;
      for (const trial of reply.trials) {
        if (trial.attempt > 1) this.#counts.takeover++;
        this.#events.push({ kind: "leased", at: this.#order++, worker: body.worker, trial });
        if (await this.#run(study, trial)) held.push(trial);
        else await this.#tell(study, worker, trial);
      }
    }
  }

  /** What people do to a study while it runs. */
  async #manage(study: LoadedStudy, worker: string): Promise<void> {
    if (this.#chance(0.05)) {
      this.#counts.paused++;
      const write = this.#context(true);
      await this.#send((deps) => patchStudy(deps, study, { state: "paused" }, write));
      const again = this.#context(true);
      await this.#send((deps) => patchStudy(deps, study, { state: "running" }, again));
    }
    if (this.#chance(0.03)) {
      const isImport = this.#chance(0.5);
      const trials = [{ params: { C: 1, gamma: 0.1 }, ...(isImport && { values: { accuracy: 0.5 } }) }];
      const write = keyed(`${worker} adds ${this.#keys++}`);
      const reply = await this.#send((deps) => addTrials(deps, study, { trials }, write));
      if (typeof reply === "string") return;
      this.#counts[isImport ? "imported" : "enqueued"]++;
      if (isImport) this.#imported++;
    }
    if (this.#chance(0.1)) await this.#send((deps) => readStudy(deps, study));
  }

  /** Runs an attempt. @returns whether it hangs. */
  async #run(study: LoadedStudy, { number, attempt }: LeasedTrial): Promise<boolean> {
    for (let step = 1; this.#chance(0.4); step++) {
      const write = this.#context(true);
      const values = { accuracy: step / 10 };
      const reply = await this.#send((deps) =>
        reportTrial(deps, study, number, { attempt, step, values }, write),
      );
      if (typeof reply === "string") this.#refuse(number, attempt, reply);
      else {
        this.#counts.reported++;
        this.#reports.push({ number, attempt, step });
      }
    }
    if (this.#chance(0.2)) {
      const write = this.#context(true);
      const reply = await this.#send((deps) => heartbeatTrial(deps, study, number, { attempt }, write));
      if (typeof reply !== "string") this.#counts.beaten++;
    }
    return this.#chance(0.4);
  }

  async #tell(study: LoadedStudy, worker: string, { number, attempt }: LeasedTrial): Promise<void> {
    const write = this.#context(true);
    if (this.#chance(0.1)) return this.#release(study, number, attempt, write);
    const failed = this.#chance(0.1);
    // Nobody else tells this number.
    const accuracy = number + attempt / 10 + Number(worker.slice(1)) / 1000;
    const values = { accuracy };
    const body = failed ? { attempt, failed: { reason: `${accuracy}` } } : { attempt, values };
    const reply = await this.#send((deps) => tellTrial(deps, study, number, body, write));
    if (typeof reply === "string") {
      this.#refuse(number, attempt, reply);
      this.#refusedValues.push({ number, accuracy });
    } else if (failed) this.#counts.failed++;
    else {
      this.#counts.told++;
      this.#events.push({ kind: "told", at: this.#order++, number, attempt, values, reply });
    }
  }

  async #release(study: LoadedStudy, number: number, attempt: number, write: WriteContext): Promise<void> {
    const body = { attempt, released: { reason: "the machine is needed elsewhere" } };
    const reply = await this.#send((deps) => tellTrial(deps, study, number, body, write));
    if (typeof reply === "string") return this.#refuse(number, attempt, reply);
    this.#counts.released++;
    this.#events.push({ kind: "released", at: this.#order++, number, attempt });
  }

  #refuse(number: number, attempt: number, type: string): void {
    if (type === "stale-attempt") this.#counts.stale++;
    this.#events.push({ kind: "refused", number, attempt, type });
  }

  /** One worker without faults runs what is left, to the end. */
  async #finish(study: LoadedStudy): Promise<void> {
    const deps = this.#fresh();
    await patchStudy(deps, study, { budget: { parallel: 4 } }, noReceipt);
    for (let i = 0; i < 200; i++) {
      const { state, trials } = await askTrials(deps, study, { worker: "last" }, noReceipt);
      if (state === "finished") return;
      this.#clock.now += (LEASE.seconds + 1) * 1000;
      for (const trial of trials) {
        this.#events.push({ kind: "leased", at: this.#order++, worker: "last", trial });
        if (trial.attempt > 1) this.#counts.takeover++;
        await this.#tell(study, "w9", trial);
      }
    }
    throw new Error("the study did not come to its end");
  }

  async #judge(study: LoadedStudy): Promise<string[]> {
    const deps = this.#fresh();
    const { trials: final } = await listTrials(deps, study, { limit: 1000 });
    const found = violations({ events: this.#events, final, budget: BUDGET, imported: this.#imported });
    const used = final.length - this.#imported;
    if (used !== BUDGET) found.push(`I1: ${used} trials were handed out of a budget of ${BUDGET}`);
    for (const { number, state, values, reason, algorithm } of final) {
      if (state !== "completed" && state !== "failed") found.push(`trial ${number} ends as ${state}`);
      const refused = this.#refusedValues.filter((each) => each.number === number);
      if (refused.some(({ accuracy }) => values?.accuracy === accuracy || reason === `${accuracy}`)) {
        // The same attempt may have told it before, and a repeat without a key be refused as told.
        const wasTold = this.#events.some((event) => event.kind === "told" && event.number === number);
        if (!wasTold) found.push(`I7: trial ${number} has the result of a refused tell`);
      }
      const { attempts, attempt, reports } = await readTrial(deps, study, number);
      const lost = attempts.filter(({ end }) => end === "expired").map((each) => each.attempt);
      const released = attempts.filter(({ end }) => end === "interrupted").map((each) => each.attempt);
      for (const event of this.#events) {
        if (event.kind !== "released" || event.number !== number) continue;
        if (!released.includes(event.attempt))
          found.push(`I4: the release of trial ${number}, attempt ${event.attempt} is gone`);
      }
      if (new Set(lost).size !== lost.length) found.push(`trial ${number} lost an attempt twice: ${lost}`);
      if (lost.length > LEASE.maxAttempts) found.push(`trial ${number} lost ${lost.length} attempts`);
      if (lost.includes(attempt)) {
        if (state !== "failed") found.push(`trial ${number} is ${state} although its last attempt expired`);
        if (lost.length < LEASE.maxAttempts) found.push(`trial ${number} failed with attempts left`);
        this.#counts["last attempt lost"]++;
      }
      const ended = lost.length + released.length;
      if (algorithm !== "import" && attempt !== ended + (lost.includes(attempt) ? 0 : 1)) {
        found.push(`trial ${number} is on attempt ${attempt} after ${ended} that were lost or given back`);
      }
      const curve = new Set(reports.map((each) => `${each.attempt}/${each.step}`));
      for (const each of this.#reports) {
        if (each.number !== number || curve.has(`${each.attempt}/${each.step}`)) continue;
        found.push(`I4: the report of trial ${number}, attempt ${each.attempt}, step ${each.step} is gone`);
      }
    }
    return found;
  }
}
