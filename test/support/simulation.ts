import { createRandom, type Random } from "../../shared/numerics/random.ts";
import type { BatchJob } from "../../shared/schemas/batch-event.ts";
import type { DispatchMessage } from "../../shared/schemas/message.ts";
import type { CreateStudyBody } from "../../shared/schemas/study.ts";
import { claimTrial } from "../../shared/service/batch/claim.ts";
import { dispatchMessages } from "../../shared/service/batch/dispatch.ts";
import { settleJob } from "../../shared/service/batch/settle.ts";
import { startStudy } from "../../shared/service/batch/start.ts";
import { stopStudy } from "../../shared/service/batch/stop.ts";
import type { ServiceDeps } from "../../shared/service/core/deps.ts";
import { findSnapshot } from "../../shared/service/core/snapshot.ts";
import { reconcile } from "../../shared/service/repair/reconcile.ts";
import { closeRung } from "../../shared/service/rounds/close.ts";
import { listTrials, openRung } from "../../shared/service/rounds/open.ts";
import { planBrackets } from "../../shared/service/rounds/plan.ts";
import { patchStudy } from "../../shared/service/studies/patch.ts";
import { heartbeatTrial } from "../../shared/service/trials/report.ts";
import { tellTrial } from "../../shared/service/trials/tell.ts";
import { studyPartition } from "../../shared/store/keys.ts";
import { type Rung, readRung } from "../../shared/store/rung.ts";
import { isFinished, type TrialItem } from "../../shared/store/trial.ts";
import { stateOf } from "../../shared/study/state.ts";
import { memoryWorld, recordedGpuSeconds, type SubmitFault, type World } from "./batch.ts";
import { Crash, injectFaults } from "./faults.ts";
import { makeStudy, noReceipt, testDeps } from "./service.ts";

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

/** The machine that starts the brackets of a study, as far as it waits. */
interface Whole {
  bracket: number;
  begun: number;
  /** The executions of the brackets that run; it plans the next ones when all have ended. */
  running: string[];
}

/** The machine that runs a bracket, as far as it waits. */
interface Execution {
  readonly name: string;
  readonly generation: number;
  readonly bracket: number;
  readonly share: number;
  rung: number;
  phase: "open" | "run" | "close" | "done";
  parts: Part[];
  /** Calm steps in which it only waited. */
  idle: number;
}

/** A part of a rung, which runs its trials by itself. */
interface Part {
  readonly chunk: number;
  readonly of: number;
  readonly parallel: number;
  /** Null until they were listed. */
  todo: { trial: number; attempt: number }[] | null;
  readonly waits: Set<string>;
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
/** Calm steps after which a wait that nobody answers counts as lost; a lease and all its repairs take less. */
const PATIENCE = 60;

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
  readonly #messages: DispatchMessage[] = [];
  readonly #events: BatchJob[] = [];
  readonly #containers: Container[] = [];
  readonly #seenStates = new Map<string, string>();
  readonly #claims = new Map<string, string>();
  readonly #told = new Map<string, number>();
  readonly #over = new Map<number, string>();
  readonly #wholes = new Map<string, Whole>();
  readonly #executions = new Map<string, Execution>();
  #tokens = 0;

  constructor(world: World, random: Random) {
    this.#world = world;
    this.#random = random;
    this.#deps = world.process();
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
    await this.#machines();
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
    await this.#machines();
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
      const reply = await this.#attempt((deps) => claimTrial(deps, study, trial, body));
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
      await this.#attempt((deps) => heartbeatTrial(deps, study, trial, { attempt }, noReceipt));
      return;
    }
    const accuracy = ((trial * 7 + attempt) % 10) / 10;
    const told = await this.#attempt((deps) =>
      tellTrial(deps, study, trial, { attempt, values: { accuracy } }, noReceipt),
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
      await this.#attempt((deps) => stopStudy(deps, study, { drain: this.#chance(0.4) }, noReceipt));
    } else await this.#resume();
  }

  async #resume(): Promise<void> {
    const { study } = this.#world;
    const snapshot = await this.#attempt((deps) => findSnapshot(deps, study));
    if (snapshot?.head.state === "paused") {
      await this.#attempt((deps) => patchStudy(deps, study, { state: "running" }, noReceipt));
    }
    if (snapshot?.head.started === false) await this.#attempt((deps) => startStudy(deps, study, noReceipt));
  }

  async #machines(): Promise<void> {
    const { study, rounds } = this.#world;
    for (const [name, state] of [...rounds.executions]) {
      if (state !== "running") continue;
      const bracket = this.#executions.get(name);
      if (bracket !== undefined) await this.#bracket(bracket);
      else await this.#whole(name, Number(name.slice(study.id.length + 1)));
    }
  }

  async #whole(name: string, generation: number): Promise<void> {
    const { study, rounds } = this.#world;
    const whole: Whole = this.#wholes.get(name) ?? { bracket: 0, begun: 0, running: [] };
    this.#wholes.set(name, whole);
    if (whole.running.some((each) => rounds.executions.get(each) === "running")) return;
    const { bracket, begun } = whole;
    const planned = await this.#attempt((deps) =>
      planBrackets(deps, { study: study.id, generation, bracket, begun }),
    );
    if (planned === null) return;
    Object.assign(whole, { bracket: planned.bracket, begun: planned.begun });
    whole.running = planned.brackets.map((each) => `${name}-${each.bracket}`);
    if (whole.running.length > 1) this.#count("side by side");
    for (const [i, each] of planned.brackets.entries()) {
      this.#begin(whole.running[i]!, generation, each.bracket, each.parallel);
    }
    if (planned.done) rounds.executions.set(name, "ended");
  }

  #begin(name: string, generation: number, bracket: number, share: number): void {
    const { rounds } = this.#world;
    if (rounds.executions.has(name)) return;
    rounds.executions.set(name, "running");
    const phase = { rung: 0, phase: "open", parts: [], idle: 0 } as const;
    this.#executions.set(name, { name, generation, bracket, share, ...phase, parts: [] });
  }

  async #bracket(execution: Execution): Promise<void> {
    const { study, rounds } = this.#world;
    const { name, generation, bracket, rung, share } = execution;
    const address = { study: study.id, generation, bracket, rung };
    if (execution.phase === "open") {
      const opened = await this.#attempt((deps) => openRung(deps, address, share));
      if (opened === null) return;
      execution.parts = opened.chunks.map((chunk) => ({ ...chunk, todo: null, waits: new Set() }));
      execution.phase = opened.done ? "done" : "run";
    } else if (execution.phase === "run") {
      await this.#runRung(execution);
    } else if (execution.phase === "close") {
      const closed = await this.#attempt((deps) => closeRung(deps, address));
      if (closed === null) return;
      execution.rung = closed.rung;
      execution.phase = closed.done ? "done" : "open";
    }
    if (execution.phase === "done") rounds.executions.set(name, "ended");
  }

  async #runRung(execution: Execution): Promise<void> {
    const { rounds } = this.#world;
    const waits = () => execution.parts.reduce((sum, part) => sum + part.waits.size, 0);
    const before = waits();
    for (const part of execution.parts) {
      for (const token of part.waits) if (!rounds.waiting.has(token)) part.waits.delete(token);
    }
    if (!this.#faulty) execution.idle = waits() < before ? 0 : execution.idle + 1;
    if (execution.idle > PATIENCE) {
      this.#complain(`nobody answers ${execution.parts.flatMap((part) => [...part.waits])}`);
      for (const part of execution.parts) part.waits.clear();
    }
    for (const part of execution.parts) await this.#runPart(execution, part);
    const isOver = execution.parts.every(({ todo, waits: left }) => todo?.length === 0 && left.size === 0);
    if (isOver) execution.phase = "close";
  }

  async #runPart({ generation, bracket, rung }: Execution, part: Part): Promise<void> {
    const { study, rounds } = this.#world;
    if (part.todo === null) {
      const address = { study: study.id, generation, bracket, rung, chunk: part.chunk, of: part.of };
      const listed = await this.#attempt((deps) => listTrials(deps, address));
      if (listed === null) return;
      part.todo = [...listed.trials];
    }
    while (part.waits.size < part.parallel) {
      const next = part.todo.shift();
      if (next === undefined) break;
      const taskToken = `token-${generation}-${bracket}-${this.#tokens++}`;
      rounds.waiting.add(taskToken);
      part.waits.add(taskToken);
      this.#messages.push({ version: 1, study: study.id, ...next, taskToken });
    }
  }

  async #isFinished(): Promise<boolean> {
    const snapshot = await findSnapshot(this.#world.deps, this.#world.study);
    const idle = this.#world.batch.alive().length === 0 && this.#world.batch.definitions.size === 0;
    return snapshot !== null && stateOf(snapshot) === "finished" && idle;
  }

  /** What must hold at every moment. */
  async #check(): Promise<void> {
    const { study, client, tableName, clock } = this.#world;
    const faulty = this.#faulty;
    this.#faulty = false;
    const snapshot = await findSnapshot(testDeps(client, tableName, clock), study);
    this.#faulty = faulty;
    if (snapshot === null) return this.#complain("the study is gone");
    const { head, trials } = snapshot;
    if (head.next > head.trials) this.#complain(`I1: ${head.next} trials of a budget of ${head.trials}`);
    trials.forEach((trial, i) => {
      if (trial.number !== i) this.#complain(`I1: trial ${trial.number} stands at place ${i}`);
      this.#checkTrial(trial);
    });
    const running = trials.filter(({ state }) => state === "running").length;
    if (running > head.parallel) this.#complain(`${running} trials run, ${head.parallel} may`);
    const names = this.#world.batch.jobs.map((job) => job.jobName);
    const twins = names.length - new Set(names).size;
    if (twins > this.#world.batch.twins) this.#complain("an attempt was submitted twice");
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
    const { head, trials } = snapshot;
    if (head.next !== head.trials) this.#complain(`${head.next} trials were run of ${head.trials}`);
    for (const trial of trials) {
      const isSettled = head.settled && trial.state === "paused";
      if (!isFinished(trial.state) && !isSettled)
        this.#complain(`trial ${trial.number} ends as ${trial.state}`);
      if ((trial.rung ?? 0) > 0 && study.scheduler.rounds === null) this.#count("resumed");
      for (const { end } of trial.attempts) this.#count(`attempt ${end}`);
      if (trial.attempts.at(-1)?.attempt === trial.attempt) this.#count("last attempt lost");
    }
    const recorded = recordedGpuSeconds(study, trials);
    if (head.gpuSeconds !== recorded)
      this.#complain(`I9: ${head.gpuSeconds} GPU s, of which ${recorded} are recorded`);
    if (batch.alive().length > 0) this.#complain(`${batch.alive().length} jobs are left`);
    if (batch.definitions.size > 0) this.#complain("a job definition is left");
    await this.#checkRungs();
  }

  /** I8: closed again from what was told, every rung of every bracket promotes the same trials. */
  async #checkRungs(): Promise<void> {
    for (let bracket = 0; await this.#checkBracket(bracket); bracket++) this.#count("brackets");
  }

  /** @returns whether there is such a bracket. */
  async #checkBracket(bracket: number): Promise<boolean> {
    const { study, deps } = this.#world;
    for (let rung = 0; ; rung++) {
      const known = await readRung(deps.store, { study: study.id, bracket, rung });
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
      const next = await readRung(deps.store, { study: study.id, bracket, rung: rung + 1 });
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
