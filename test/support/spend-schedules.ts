import { createRandom, type Random } from "../../shared/numerics/random.ts";
import { MICROS, PRICES } from "../../shared/prices.ts";
import type { BatchJob } from "../../shared/schemas/batch-event.ts";
import type { DispatchMessage } from "../../shared/schemas/message.ts";
import { patchBudget } from "../../shared/service/access/budget.ts";
import { claimTrial } from "../../shared/service/batch/claim.ts";
import { dispatchMessages } from "../../shared/service/batch/dispatch.ts";
import { settleJob } from "../../shared/service/batch/settle.ts";
import { startStudy } from "../../shared/service/batch/start.ts";
import { stopStudy } from "../../shared/service/batch/stop.ts";
import type { ServiceDeps } from "../../shared/service/core/deps.ts";
import { findSnapshot, readSnapshot } from "../../shared/service/core/snapshot.ts";
import { reconcile } from "../../shared/service/repair/reconcile.ts";
import { patchStudy } from "../../shared/service/studies/patch.ts";
import { tellTrial } from "../../shared/service/trials/tell.ts";
import { findSpend } from "../../shared/store/spend.ts";
import type { TrialItem } from "../../shared/store/trial.ts";
import { dollarsSpent } from "../../shared/study/budget.ts";
import { monthOf } from "../../shared/study/charge.ts";
import type { LoadedStudy } from "../../shared/study/study.ts";
import { batchExecution, type MemoryWorld, memoryWorld, type SubmitFault } from "./batch.ts";
import { Crash, injectFaults } from "./faults.ts";
import { moneyFaults } from "./money-soundness.ts";
import { makeStudy, noReceipt, TEAM } from "./service.ts";

/**
 * Schedules of a team with several batch studies and a budget: attempts are lost, killed and time out, events come late, twice or never,
 * messages twice, processes die, calls are lost, studies and budgets are extended, stopped and started, a month ends. What jobs really ran is
 * known from the jobs alone, so it says independently of every counter what was spent.
 */

const TIMEOUT = 600;
const EACH = (TIMEOUT / 3600) * (PRICES.spot.gpuHour + 2 * PRICES.spot.vcpuHour);
const STUDIES = 3;
const PARALLEL = 2;
/** Steps between two looks at everything: a look costs as much as several steps. */
const CHECKED_EVERY = 5;
/** All that a team's studies may have in flight at once. */
const WAVE = STUDIES * PARALLEL * EACH;

export interface ScheduleOutcome {
  readonly violations: readonly string[];
  readonly counts: Readonly<Record<string, number>>;
}

export const playSchedule = async (seed: number, steps: number): Promise<ScheduleOutcome> => {
  const random = createRandom(seed, 77);
  const limits = { dollars: EACH * (2 + random.integer(8)), trials: 4 + random.integer(12) };
  const study = {
    executor: { ...batchExecution, gpus: 1, vcpus: 2, timeoutSeconds: TIMEOUT },
    budget: { trials: 6, parallel: PARALLEL, dollars: EACH * (2 + random.integer(6)) },
    lease: { seconds: 300, maxAttempts: 3 },
  };
  const world = await memoryWorld(study, seed);
  world.clock.now = Date.parse("2026-11-30T23:25:00Z");
  const studies = [world.study];
  while (studies.length < STUDIES) studies.push(await makeStudy(world.deps, study));
  return new Schedule(world, studies, random, limits).play(steps);
};

interface Limits {
  readonly dollars: number;
  readonly trials: number;
}

class Schedule {
  readonly #world: MemoryWorld;
  readonly #studies: readonly LoadedStudy[];
  readonly #random: Random;
  #limits: Limits;
  #deps: ServiceDeps;
  #isFaulty = false;
  readonly #messages: DispatchMessage[] = [];
  readonly #events: BatchJob[] = [];
  readonly #seen = new Map<string, string>();
  readonly #violations: string[] = [];
  readonly #counts: Record<string, number> = {};

  constructor(world: MemoryWorld, studies: readonly LoadedStudy[], random: Random, limits: Limits) {
    this.#world = world;
    this.#studies = studies;
    this.#random = random;
    this.#limits = limits;
    this.#deps = world.process();
  }

  async play(steps: number): Promise<ScheduleOutcome> {
    await patchBudget(this.#world.deps, TEAM, this.#limits, noReceipt);
    for (const study of this.#studies) await startStudy(this.#world.deps, study, noReceipt);
    this.#isFaulty = true;
    const stop = injectFaults(this.#world.client, () => this.#fault());
    for (let i = 0; i < steps; i++) {
      this.#world.clock.now += this.#random.integer(90_000);
      await this.#step(this.#random.uniform());
      this.#endOverdue();
      this.#gather();
      if (i % CHECKED_EVERY > 0) continue;
      this.#isFaulty = false;
      await this.#check();
      this.#isFaulty = true;
    }
    this.#isFaulty = false;
    stop();
    await this.#comeToRest();
    await this.#check();
    return { violations: this.#violations, counts: this.#counts };
  }

  #fault() {
    if (!this.#isFaulty) return "none" as const;
    const u = this.#random.uniform();
    if (u < 0.01) return "crash-before" as const;
    if (u < 0.02) return "crash-after" as const;
    if (u < 0.04) return "lost-reply" as const;
    return u < 0.05 ? ("conflict" as const) : ("none" as const);
  }

  #pick<T>(items: readonly T[]): T | undefined {
    return items[this.#random.integer(Math.max(1, items.length))];
  }

  #count(what: string): void {
    this.#counts[what] = (this.#counts[what] ?? 0) + 1;
  }

  async #step(u: number): Promise<void> {
    if (u < 0.4) await this.#deliver();
    else if (u < 0.65) await this.#work();
    else if (u < 0.75) await this.#event();
    else if (u < 0.85) await this.#attempt("reconciled", (deps) => reconcile(deps, deps.clock() + 60_000));
    else if (u < 0.92) await this.#extend();
    else await this.#startOrStop();
  }

  /** Whoever dies of a step is replaced by a fresh process. */
  async #attempt(what: string, run: (deps: ServiceDeps) => Promise<unknown>): Promise<void> {
    try {
      await run(this.#deps);
      this.#count(what);
    } catch (error) {
      if (!(error instanceof Crash) && (error as { type?: string }).type === undefined) throw error;
      this.#deps = this.#world.process();
      this.#count("refused or died");
    }
  }

  async #deliver(): Promise<void> {
    const at = this.#random.integer(Math.max(1, this.#messages.length));
    const [message] = this.#messages.splice(at, 1);
    if (message === undefined) return;
    const faults: SubmitFault[] = ["throttled", "lost", "unheard"];
    this.#world.batch.faults = this.#random.uniform() < 0.2 ? [this.#pick(faults) ?? "lost"] : [];
    const isDouble = this.#random.uniform() < 0.3;
    const dispatch = () =>
      this.#attempt("delivered", async (deps) => {
        const again = await dispatchMessages(deps, [{ id: "m", body: JSON.stringify(message) }]);
        if (again.length > 0) this.#messages.push(message);
      });
    await Promise.all(isDouble ? [dispatch(), dispatch()] : [dispatch()]);
    if (isDouble) this.#messages.push(message);
  }

  /** A job starts, its container claims or tells, or it is lost. */
  async #work(): Promise<void> {
    const { batch } = this.#world;
    const job = this.#pick(batch.alive());
    if (job === undefined) return;
    if (job.status !== "RUNNING") {
      batch.run(job);
      return;
    }
    const { HONE_STUDY, HONE_TRIAL, HONE_ATTEMPT } = job.environment;
    const study = this.#studies.find(({ id }) => id === HONE_STUDY);
    if (study === undefined) return;
    const [trial, attempt] = [Number(HONE_TRIAL), Number(HONE_ATTEMPT)];
    const u = this.#random.uniform();
    if (u < 0.25) {
      batch.fail(job, { statusReason: "Host EC2 (instance i-1) terminated." });
      this.#count("lost");
    } else if (u < 0.6) {
      const body = { attempt, jobId: job.jobId, claimant: `claimant-of-${job.jobId}` };
      await this.#attempt("claimed", (deps) => claimTrial(deps, study, trial, body));
    } else {
      await this.#attempt("told", (deps) =>
        tellTrial(deps, study, trial, { attempt, values: { accuracy: 0.5 } }, noReceipt),
      );
      if (this.#random.uniform() < 0.8) batch.succeed(job);
    }
  }

  async #event(): Promise<void> {
    const event = this.#pick(this.#events);
    if (event === undefined) return;
    // Some come again.
    if (this.#random.uniform() < 0.7) this.#events.splice(this.#events.indexOf(event), 1);
    await this.#attempt("event", (deps) => settleJob(deps, event));
  }

  async #extend(): Promise<void> {
    const study = this.#pick(this.#studies);
    if (study === undefined) return;
    if (this.#random.uniform() < 0.5) {
      await this.#attempt("study extended", async (deps) => {
        const { head } = await readSnapshot(deps, study);
        const budget = { dollars: head.dollars + EACH, trials: head.trials + 1 };
        await patchStudy(deps, study, { budget, state: "running" }, noReceipt);
      });
      return;
    }
    const raised = { dollars: this.#limits.dollars + EACH, trials: this.#limits.trials + 1 };
    // Whether it was written or not, nothing may be spent beyond it.
    this.#limits = raised;
    await this.#attempt("team extended", (deps) => patchBudget(deps, TEAM, raised, noReceipt));
  }

  async #startOrStop(): Promise<void> {
    const study = this.#pick(this.#studies);
    if (study === undefined) return;
    const drain = this.#random.uniform() < 0.5;
    const isStop = this.#random.uniform() < 0.4;
    if (isStop) await this.#attempt("stopped", (deps) => stopStudy(deps, study, { drain }, noReceipt));
    else await this.#attempt("started", (deps) => startStudy(deps, study, noReceipt));
  }

  /** Batch ends what runs longer than its time-out. */
  #endOverdue(): void {
    const { batch, clock } = this.#world;
    for (const job of batch.alive()) {
      const end = (job.startedAt ?? Number.POSITIVE_INFINITY) + TIMEOUT * 1000;
      if (clock.now < end) continue;
      batch.fail(job, { statusReason: "Job attempt duration exceeded timeout" });
      Object.assign(job, { stoppedAt: end });
      this.#count("timed out");
    }
  }

  #gather(): void {
    this.#messages.push(...this.#world.queue.take());
    for (const job of this.#world.batch.jobs) {
      if (this.#seen.get(job.jobId) === job.status) continue;
      this.#seen.set(job.jobId, job.status);
      if (this.#random.uniform() < 0.7) this.#events.push({ ...job });
    }
  }

  /** Nothing fails any more, and everything that runs ends. */
  async #comeToRest(): Promise<void> {
    const { deps, batch, clock } = this.#world;
    for (const study of this.#studies) await stopStudy(deps, study, {}, noReceipt);
    for (let round = 0; round < 4; round++) {
      clock.now += 400_000;
      this.#endOverdue();
      for (const job of batch.alive()) batch.succeed(job);
      await reconcile(deps, deps.clock() + 60_000);
    }
  }

  async #check(): Promise<void> {
    const { deps, clock } = this.#world;
    this.#violations.push(...(await moneyFaults(deps, TEAM, this.#studies)));
    let inBudget = 0;
    for (const month of ["2026-11", "2026-12"]) {
      const { boundMicros, micros, trials } = await findSpend(deps.store, TEAM, month);
      if (boundMicros > this.#limits.dollars * MICROS + 1)
        this.#complain(`${boundMicros} millionths are bound in ${month}, of ${this.#limits.dollars} dollars`);
      if (micros > this.#limits.dollars * MICROS + 1)
        this.#complain(`${micros} millionths are spent in ${month}`);
      if (trials > this.#limits.trials) this.#complain(`${trials} trials in ${month}`);
      inBudget += this.#limits.dollars;
      if (month === monthOf(clock.now)) break;
      this.#count("month ended");
    }
    const really = this.#reallySpent(() => true);
    if (really > inBudget + WAVE) this.#complain(`${really} dollars were spent of ${inBudget}`);
    for (const study of this.#studies) {
      const snapshot = await findSnapshot(deps, study);
      if (snapshot === null) continue;
      const { head, trials } = snapshot;
      const own = this.#reallySpent(({ environment }) => environment.HONE_STUDY === study.id);
      const most = head.dollars + PARALLEL * EACH;
      if (dollarsSpent(head) > head.dollars + 1e-6)
        this.#complain(`${study.id} says that it has spent too much`);
      const bound = dollarsSpent(head) + EACH * attemptsInFlight(trials);
      if (bound > head.dollars + 1e-5)
        this.#complain(`${study.id} may come to ${bound} of ${head.dollars} dollars`);
      if (own > most) this.#complain(`${study.id} has spent ${own} of ${head.dollars} dollars`);
    }
  }

  /** What the machines ran, whatever anybody counted. */
  #reallySpent(which: (job: MemoryWorld["batch"]["jobs"][number]) => boolean): number {
    const { batch, clock } = this.#world;
    return batch.jobs
      .filter((job) => which(job) && job.startedAt !== undefined)
      .reduce((sum, job) => {
        const seconds = Math.min(TIMEOUT, ((job.stoppedAt ?? clock.now) - (job.startedAt ?? 0)) / 1000);
        return sum + (seconds / TIMEOUT) * EACH;
      }, 0);
  }

  #complain(sentence: string): void {
    this.#violations.push(sentence);
  }
}

/** What the jobs of a study may still use, in whole attempts: those of attempts that have ended too. */
const attemptsInFlight = (trials: readonly TrialItem[]): number =>
  trials.reduce((sum, { state, open = [] }) => {
    const left = open.reduce((rest, { seconds }) => rest + 1 - seconds / TIMEOUT, 0);
    return sum + left + (state === "running" ? 1 : 0);
  }, 0);
