import { createRandom, type Random } from "../../shared/numerics/random.ts";
import type { BatchJob } from "../../shared/schemas/batch-event.ts";
import type { QueueMessage } from "../../shared/schemas/message.ts";
import type { CreateStudyBody } from "../../shared/schemas/study.ts";
import { claimTrial } from "../../shared/service/batch/claim.ts";
import { dispatchMessages } from "../../shared/service/batch/dispatch.ts";
import { settleJob } from "../../shared/service/batch/settle.ts";
import { startStudy } from "../../shared/service/batch/start.ts";
import { stopStudy } from "../../shared/service/batch/stop.ts";
import type { ServiceDeps } from "../../shared/service/core/deps.ts";
import { readParts, readWhole, withParts } from "../../shared/service/core/parts.ts";
import { findSnapshot } from "../../shared/service/core/snapshot.ts";
import { reconcile } from "../../shared/service/repair/reconcile.ts";
import { patchStudy } from "../../shared/service/studies/patch.ts";
import { readStudy } from "../../shared/service/studies/read.ts";
import { inPart } from "../../shared/service/trials/in-part.ts";
import { heartbeatTrial } from "../../shared/service/trials/report.ts";
import { tellTrial } from "../../shared/service/trials/tell.ts";
import { findHead } from "../../shared/store/head.ts";
import { studyPartition } from "../../shared/store/keys.ts";
import { type Rung, readRung } from "../../shared/store/rung.ts";
import { isFinished, type TrialItem } from "../../shared/store/trial.ts";
import { addressOf, foldState } from "../../shared/study/nested.ts";
import type { Snapshot } from "../../shared/study/snapshot.ts";
import { memoryWorld, recordedGpuSeconds, type SubmitFault, type World } from "./batch.ts";
import { Crash, injectFaults } from "./faults.ts";
import { moneyFaults } from "./money-soundness.ts";
import { makeStudy, noReceipt, testDeps } from "./service.ts";
import { SimulatedMachines } from "./simulated-machines.ts";

/**
 * A whole batch study played out under faults: messages twice and out of order, events lost, doubled and late, jobs
 * killed and submitted twice, answers lost, processes that die between any two calls of the table, two that do the same
 * at once, stops and starts. After every step the invariants are checked; when the faults end, the study must come to its
 * end. On the in-process table a seed leads to the same story each time; on the emulator, where what happens at once is
 * not in the seed's hands, to much the same one.
 */

/** A container of a job, alive or not: one whose job was killed may go on for a while and must not do harm. */
interface Container {
  readonly job: BatchJob;
  readonly trial: number;
  readonly attempt: number;
  readonly claimant: string;
  state: "new" | "claimed" | "over";
}

export interface Story {
  readonly seed: number;
  /** Steps with faults, before everything works again. */
  readonly steps: number;
  readonly study: Partial<CreateStudyBody>;
}

export interface Outcome {
  readonly violations: readonly string[];
  /** What happened how often, to see that a story is not an idle one. */
  readonly counts: Readonly<Record<string, number>>;
}

const LAST_STEPS = 400;
/** What a study whose money is spent gets to go on. */
const MORE_HOURS = 8;
/** @param makeWorld on which table. */
export const play = async (
  story: Story,
  makeWorld: (change: Story["study"], seed: number) => Promise<World> = memoryWorld,
): Promise<Outcome> => {
  const world = await makeWorld(story.study, story.seed);
  return new Simulation(world, createRandom(story.seed)).run(story.steps);
};

class Simulation {
  readonly #world: World;
  readonly #random: Random;
  #deps: ServiceDeps;
  #faulty = true;
  readonly #violations: string[] = [];
  readonly #counts: Record<string, number> = {};
  readonly #messages: QueueMessage[] = [];
  readonly #events: BatchJob[] = [];
  readonly #containers: Container[] = [];
  readonly #seenStates = new Map<string, string>();
  readonly #claims = new Map<string, string>();
  readonly #told = new Map<string, number>();
  readonly #over = new Map<number, string>();
  readonly #machines: SimulatedMachines;

  constructor(world: World, random: Random) {
    this.#world = world;
    this.#random = random;
    this.#deps = world.process();
    this.#machines = new SimulatedMachines({
      world,
      attempt: (run) => this.#attempt(run),
      send: (message) => this.#messages.push(message),
      complain: (sentence) => this.#complain(sentence),
      count: (what) => this.#count(what),
      isCalm: () => !this.#faulty,
    });
  }

  async run(steps: number): Promise<Outcome> {
    const other = await makeStudy(this.#world.deps, { name: "bystander" });
    const before = await this.#world.deps.store.query(studyPartition(other.id), " ", "~");
    await this.#world.start();

    const stopFaults = injectFaults(this.#world.client, () => this.#fault());
    for (let i = 0; i < steps; i++) await this.#step();
    this.#faulty = false;
    stopFaults();
    this.#world.batch.faults = [];
    this.#world.batch.lag = 0;
    await this.#checkStop();
    let left = LAST_STEPS;
    for (; left > 0 && !(await this.#isFinished()); left--) await this.#calmStep();
    if (left === 0) this.#complain("the study did not come to its end");
    await this.#checkEnd();
    const after = await this.#world.deps.store.query(studyPartition(other.id), " ", "~");
    if (JSON.stringify(after) !== JSON.stringify(before)) this.#complain("I10: another study was written");
    return { violations: this.#violations, counts: this.#counts };
  }

  #fault() {
    if (!this.#faulty) return "none" as const;
    const u = this.#random.uniform();
    if (u < 0.01) return "crash-before" as const;
    if (u < 0.02) return "crash-after" as const;
    if (u < 0.05) return "lost-reply" as const;
    if (u < 0.055) return "throttle" as const;
    return u < 0.065 ? ("conflict" as const) : ("none" as const);
  }

  #chance(probability: number): boolean {
    return this.#random.uniform() < probability;
  }

  #pick<T>(items: readonly T[]): T | undefined {
    return items[this.#random.integer(items.length)];
  }

  #count(what: string): void {
    this.#counts[what] = (this.#counts[what] ?? 0) + 1;
  }

  #complain(sentence: string): void {
    this.#violations.push(sentence);
  }

  /** One thing happens; whoever did it may die of it. */
  async #step(): Promise<void> {
    const u = this.#random.uniform();
    this.#world.clock.now += this.#random.integer(this.#chance(0.05) ? 90_000 : 6_000);
    // Now and then two do the same at once.
    if (this.#chance(0.15)) await Promise.all([this.#act(u), this.#act(u)]);
    else await this.#act(u);
    await this.#machines.turn();
    this.#gather();
    await this.#check();
  }

  async #act(u: number): Promise<void> {
    if (u < 0.3) await this.#deliver();
    else if (u < 0.75) await this.#container();
    else if (u < 0.87) await this.#event();
    else if (u < 0.95) await this.#reconcile();
    else await this.#startOrStop();
  }

  /** Everything works, in a good order. */
  async #calmStep(): Promise<void> {
    this.#world.clock.now += 20_000;
    await this.#resume();
    await this.#reconcile();
    this.#gather();
    while (this.#messages.length > 0) await this.#deliver();
    for (const job of this.#world.batch.alive()) if (job.status !== "RUNNING") this.#world.batch.run(job);
    this.#gather();
    for (const container of [...this.#containers]) {
      if (container.state !== "over" && !hasEnded(container.job)) await this.#work(container, true);
    }
    this.#gather();
    while (this.#events.length > 0) await this.#event();
    await this.#machines.turn();
    this.#gather();
    await this.#check();
  }

  /** Runs a use case in a process that may die; the next one is a fresh process. */
  async #attempt<T>(run: (deps: ServiceDeps) => Promise<T>): Promise<T | null> {
    try {
      return await run(this.#deps);
    } catch (error) {
      this.#deps = this.#world.process();
      if (error instanceof Crash) this.#count("crash");
      else if ((error as { type?: string }).type === undefined) throw error;
      else this.#count(`refused ${(error as { type: string }).type}`);
      return null;
    }
  }

  #gather(): void {
    this.#messages.push(...this.#world.queue.take());
    for (const job of this.#world.batch.jobs) {
      if (this.#seenStates.get(job.jobId) === job.status) continue;
      this.#seenStates.set(job.jobId, job.status);
      if (!this.#faulty || this.#chance(0.6)) this.#events.push({ ...job });
      if (this.#faulty && this.#chance(0.2)) this.#events.push({ ...job });
      if (job.status !== "RUNNING") continue;
      const { HONE_TRIAL, HONE_ATTEMPT } = job.environment;
      this.#containers.push({
        job,
        trial: Number(HONE_TRIAL),
        attempt: Number(HONE_ATTEMPT),
        claimant: `claimant-of-${job.jobId}`,
        state: "new",
      });
    }
  }

  async #deliver(): Promise<void> {
    const runnable = this.#world.batch.alive().find((job) => job.status !== "RUNNING");
    if (runnable !== undefined && this.#chance(0.5)) this.#world.batch.run(runnable);
    if (this.#messages.length === 0) return;
    if (this.#faulty && this.#chance(0.25)) {
      const faults: SubmitFault[] = ["throttled", "lost", "unheard", "twice"];
      this.#world.batch.faults = [this.#pick(faults) ?? "throttled"];
      if (this.#chance(0.05)) this.#world.batch.faults = ["rejected"];
      this.#world.batch.lag = this.#chance(0.5) ? 100_000 : 0;
    }
    const index = this.#random.integer(this.#messages.length);
    const [message] = this.#messages.splice(index, 1);
    if (message === undefined) return;
    if (this.#faulty && this.#chance(0.2)) this.#messages.push(message);
    this.#count("delivered");
    const dispatch = (): Promise<string[] | null> =>
      this.#attempt((deps) => dispatchMessages(deps, [{ id: "m", body: JSON.stringify(message) }]));
    // It may be delivered to two dispatchers at once.
    const [again] =
      this.#faulty && this.#chance(0.2) ? await Promise.all([dispatch(), dispatch()]) : [await dispatch()];
    // A process that died has not deleted its message.
    if (again == null || again.length > 0) this.#messages.push(message);
  }

  async #container(): Promise<void> {
    const container = this.#pick(this.#containers.filter(({ state }) => state !== "over"));
    if (container === undefined) return this.#deliver();
    const { batch } = this.#world;
    if (!hasEnded(container.job) && this.#chance(0.12)) {
      const ends = [
        { statusReason: "Host EC2 (instance i-1) terminated." },
        { exitCode: 75 },
        { exitCode: 1 },
      ];
      batch.fail(container.job, this.#pick(ends) ?? {});
      this.#count("killed");
      // What runs in it may not have noticed yet.
      if (this.#chance(0.6)) container.state = "over";
      return;
    }
    if (this.#chance(0.1)) return; // hangs
    await this.#work(container, false);
  }

  /** The container's next step: it claims, beats or tells. */
  async #work(container: Container, hurry: boolean): Promise<void> {
    const { study, batch } = this.#world;
    const { trial, attempt, claimant, job } = container;
    const key = `${trial}/${attempt}`;
    if (container.state === "new") {
      const body = { attempt, jobId: job.jobId, claimant };
      const reply = await this.#attempt((deps) =>
        inPart(study, trial, (part, own) => claimTrial(deps, part, own, body)),
      );
      if (reply === null) {
        // Lost, stale, or the answer did not come: it asks again, or gives up.
        if (hurry || this.#chance(0.3)) this.#leave(container);
        return;
      }
      this.#count("claimed");
      const owner = this.#claims.get(key);
      if (owner !== undefined && owner !== claimant) this.#complain(`I2: ${key} was claimed twice`);
      this.#claims.set(key, claimant);
      container.state = "claimed";
      return;
    }
    if (!hurry && this.#chance(0.4)) {
      await this.#attempt((deps) =>
        inPart(study, trial, (part, own) => heartbeatTrial(deps, part, own, { attempt }, noReceipt)),
      );
      return;
    }
    const accuracy = ((trial * 7 + attempt) % 10) / 10;
    const told = await this.#attempt((deps) =>
      inPart(study, trial, (part, own) =>
        tellTrial(deps, part, own, { attempt, values: { accuracy } }, noReceipt),
      ),
    );
    if (told === null) {
      if (hurry || this.#chance(0.3)) this.#leave(container);
      return;
    }
    this.#count("told");
    const before = this.#told.get(key);
    if (before !== undefined && before !== accuracy) this.#complain(`I3: ${key} took two results`);
    this.#told.set(key, accuracy);
    if (this.#faulty && this.#chance(0.2)) return; // tells once more the next time
    container.state = "over";
    if (!hasEnded(job)) batch.succeed(job);
  }

  #leave(container: Container): void {
    container.state = "over";
    if (!hasEnded(container.job)) this.#world.batch.succeed(container.job);
  }

  async #event(): Promise<void> {
    if (this.#events.length === 0) return;
    const [event] = this.#events.splice(this.#random.integer(this.#events.length), 1);
    if (event === undefined) return;
    this.#count("event");
    // EventBridge tries again when the Lambda fails.
    const handled = await this.#attempt(async (deps) => {
      await settleJob(deps, event);
      return true;
    });
    if (handled === null) this.#events.push(event);
  }

  async #reconcile(): Promise<void> {
    this.#count("reconciled");
    await this.#attempt((deps) => reconcile(deps, deps.clock() + 600_000));
  }

  async #startOrStop(): Promise<void> {
    const { study } = this.#world;
    if (this.#chance(0.3)) {
      this.#count("stopped");
      const drain = this.#chance(0.4);
      await this.#attempt((deps) => stopStudy(deps, study, { drain }, noReceipt));
    } else if (this.#chance(0.1)) {
      this.#count("paused");
      await this.#attempt((deps) => patchStudy(deps, study, { state: "paused" }, noReceipt));
    } else if (this.#chance(0.12)) {
      const head = await this.#attempt((deps) => findHead(deps.store, study.id));
      const budget = { trials: (head?.trials ?? 0) + 1 };
      const extended = await this.#attempt((deps) => patchStudy(deps, study, { budget }, noReceipt));
      if (extended !== null) this.#count("extended");
    } else if (this.#chance(0.15)) {
      // A program that did not hear the answer starts it once more.
      await this.#attempt((deps) => startStudy(deps, study, noReceipt));
    } else await this.#resume();
  }

  async #resume(): Promise<void> {
    const { study } = this.#world;
    const holders = await this.#attempt((deps) =>
      Promise.all(withParts(study).map((holder) => findSnapshot(deps, holder))),
    );
    if (holders?.some((holder) => holder?.head.state === "paused")) {
      const { gpuHours = 0 } = holders[0]?.head ?? {};
      const more = gpuHours > 0 && { budget: { gpuHours: gpuHours + MORE_HOURS } };
      await this.#attempt((deps) => patchStudy(deps, study, { state: "running", ...more }, noReceipt));
    }
    if (holders?.[0]?.head.started === false)
      await this.#attempt((deps) => startStudy(deps, study, noReceipt));
  }

  async #isFinished(): Promise<boolean> {
    const { deps, study, batch } = this.#world;
    const { state, started } = await readStudy(deps, study);
    return state === "finished" && !started && batch.alive().length === 0 && batch.definitions.size === 0;
  }

  /** Soon after a stop nothing runs, and nothing begins. */
  async #checkStop(): Promise<void> {
    const { study, deps, batch } = this.#world;
    await stopStudy(deps, study, {}, noReceipt);
    for (let i = 0; i < 4; i++) {
      this.#world.clock.now += 61_000;
      this.#gather();
      for (let left = this.#messages.length; left > 0; left--) await this.#deliver();
      await this.#machines.turn();
      await this.#reconcile();
    }
    if (batch.alive().length > 0) this.#complain(`${batch.alive().length} jobs run although it was stopped`);
    for (const { id } of withParts(study)) {
      const head = await findHead(deps.store, id);
      // One of an earlier start, whose stop and next start both died, ends at its next step.
      const name = `${id}-${head?.generation}`;
      for (const [each, state] of this.#world.rounds.executions) {
        const isOurs = each === name || each.startsWith(`${name}-`);
        if (isOurs && state === "running") this.#complain(`${each} runs although it was stopped`);
      }
    }
    const { trials } = await readStudy(deps, study);
    if (trials.running > 0) this.#complain(`${trials.running} trials run although it was stopped`);
  }

  /** What must hold at every moment. */
  async #check(): Promise<void> {
    const { study, client, tableName, clock } = this.#world;
    const faulty = this.#faulty;
    this.#faulty = false;
    const deps = testDeps(client, tableName, clock);
    const snapshot = await findSnapshot(deps, study);
    const parts = snapshot === null ? [] : await readParts(deps, study);
    this.#faulty = faulty;
    if (snapshot === null) return this.#complain("the study is gone");
    for (const holder of [snapshot, ...parts]) this.#checkHolder(holder);
    const names = this.#world.batch.jobs.map((job) => job.jobName);
    const twins = names.length - new Set(names).size;
    if (twins > this.#world.batch.twins) this.#complain("an attempt was submitted twice");
  }

  /** The study itself, or a part of nested cross-validation. */
  #checkHolder({ study, head, trials }: Snapshot): void {
    if (head.next > head.trials) this.#complain(`I1: ${head.next} trials of a budget of ${head.trials}`);
    trials.forEach((trial, i) => {
      if (trial.number !== i) this.#complain(`I1: trial ${trial.number} stands at place ${i}`);
      this.#checkTrial({ ...trial, number: addressOf(study, trial.number).trial });
    });
    const running = trials.filter(({ state }) => state === "running").length;
    if (running > head.parallel) this.#complain(`${running} trials run, ${head.parallel} may`);
  }

  #checkTrial(trial: TrialItem): void {
    const before = this.#over.get(trial.number);
    const now = isFinished(trial.state)
      ? JSON.stringify([trial.state, trial.values, trial.attempt])
      : undefined;
    if (before !== undefined && before !== now) {
      this.#complain(`I3: trial ${trial.number} was ${before} and is ${now ?? trial.state}`);
    }
    if (now !== undefined) this.#over.set(trial.number, now);
    const result = this.#told.get(`${trial.number}/${trial.attempt}`);
    if (result !== undefined && trial.values?.accuracy !== result) {
      this.#complain(`I4: trial ${trial.number} was told ${result} and has ${JSON.stringify(trial.values)}`);
    }
    const job = this.#world.batch.jobs.find((each) => each.jobId === trial.job?.jobId);
    if (/^(no-result|exit code)/.test(trial.reason ?? "") && job !== undefined && !hasEnded(job)) {
      this.#complain(`trial ${trial.number} failed (${trial.reason}) while its job runs`);
    }
    if (trial.state === "completed" && result === undefined) {
      // Its answer may have been lost with the process that gave it.
      if (!this.#claims.has(`${trial.number}/${trial.attempt}`)) {
        this.#complain(`I6: trial ${trial.number} is completed, and nobody claimed it`);
      }
    }
  }

  async #checkEnd(): Promise<void> {
    const { study, deps, batch } = this.#world;
    const snapshot = await findSnapshot(deps, study);
    if (snapshot === null) return;
    const parts = await readParts(deps, study);
    for (const holder of parts.length === 0 ? [snapshot] : parts) this.#checkEndOf(holder);
    if (batch.alive().length > 0) this.#complain(`${batch.alive().length} jobs are left`);
    if (batch.definitions.size > 0) this.#complain("a job definition is left");
    if ([snapshot, ...parts].some(({ head }) => head.started)) this.#complain("it is still started");
    await this.#checkFolds(snapshot);
    for (const fault of await moneyFaults(this.#world.deps, study.team, [study])) this.#complain(fault);
    for (const holder of withParts(study)) await this.#checkRungs(holder.id);
  }

  #checkEndOf({ study, head, trials }: Snapshot): void {
    if (head.next !== head.trials)
      this.#complain(`${head.next} trials were run of ${head.trials} in ${study.id}`);
    for (const trial of trials) {
      const isSettled = head.settled && trial.state === "paused";
      if (!isFinished(trial.state) && !isSettled)
        this.#complain(`trial ${trial.number} of ${study.id} ends as ${trial.state}`);
      if ((trial.rung ?? 0) > 0 && study.scheduler.rounds === null) this.#count("resumed");
      for (const { end } of trial.attempts) this.#count(`attempt ${end}`);
      if (trial.attempts.at(-1)?.attempt === trial.attempt) this.#count("last attempt lost");
    }
    const recorded = recordedGpuSeconds(study, trials);
    if (head.gpuSeconds !== recorded)
      this.#complain(`I9: ${head.gpuSeconds} GPU s, of which ${recorded} are recorded`);
  }

  /** Every fold has one refit of its winner, unless its search came to nothing. */
  async #checkFolds(snapshot: Snapshot): Promise<void> {
    const { nested } = snapshot.study.spec;
    if (nested === undefined) return;
    const { folds } = await readWhole(this.#world.deps, snapshot, nested);
    folds.forEach((fold, i) => {
      const state = foldState(fold);
      this.#count(`fold ${state}`);
      const isLost = fold.winner === null || fold.refits.at(-1)?.state === "failed";
      if (state !== "completed" && !isLost) this.#complain(`fold ${i} ends as ${state}`);
      const configurations = new Set(fold.refits.map(({ params }) => JSON.stringify(params)));
      if (configurations.size < fold.refits.length) this.#complain(`fold ${i} was refitted twice`);
    });
  }

  /** I8: closed again from what was told, every rung of every bracket promotes the same trials. */
  async #checkRungs(study: string): Promise<void> {
    for (let bracket = 0; await this.#checkBracket(study, bracket); bracket++) this.#count("brackets");
  }

  /** @returns whether there is such a bracket. */
  async #checkBracket(study: string, bracket: number): Promise<boolean> {
    const { deps } = this.#world;
    for (let rung = 0; ; rung++) {
      const known = await readRung(deps.store, { study, bracket, rung });
      if (known === null) return rung > 0;
      this.#count("rungs");
      const results = [...known.members].map((trial) => ({
        trial,
        accuracy: known.results.get(trial)?.accuracy ?? Number.NEGATIVE_INFINITY,
      }));
      const order = results
        .sort((a, b) => b.accuracy - a.accuracy || a.trial - b.trial)
        .map(({ trial }) => trial);
      if (known.state === "closed" && JSON.stringify(known.order) !== JSON.stringify(order)) {
        this.#complain(`I8: rung ${rung} was closed as ${known.order}, its results say ${order}`);
      }
      const next = await readRung(deps.store, { study, bracket, rung: rung + 1 });
      const expected = [...known.promoted].sort((a, b) => a - b);
      if (next !== null && JSON.stringify(next.members) !== JSON.stringify(expected)) {
        this.#complain(`I8: rung ${rung + 1} has ${next.members}, promoted were ${expected}`);
      }
      if (known.promoted.length > 0 && next !== null) this.#checkPromotions(bracket, rung, known, next);
    }
  }

  /** While none of those promoted came to a result, the next ones of the rung take their place. */
  #checkPromotions(bracket: number, rung: number, known: Rung, next: Rung): void {
    const arrived = [...next.results.values()].filter((values) => values !== null).length;
    const alive = [...known.results.values()].filter((values) => values !== null).length;
    if (arrived === 0 && known.promoted.length < alive) {
      this.#complain(`I8: nobody came to rung ${rung + 1} of bracket ${bracket}, and others could have`);
    }
    if (known.promoted.length > Math.max(1, Math.floor(known.members.length / 3)))
      this.#count("next in line");
  }
}

const hasEnded = (job: BatchJob) => job.status === "SUCCEEDED" || job.status === "FAILED";
