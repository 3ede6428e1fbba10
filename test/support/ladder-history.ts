import type { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { createRandom, type Random } from "../../shared/numerics/random.ts";
import type { SchedulerChoice } from "../../shared/scheduler/registry.ts";
import type { LeasedTrial } from "../../shared/schemas/trial.ts";
import type { ServiceDeps, WriteContext } from "../../shared/service/core/deps.ts";
import { readStudy } from "../../shared/service/studies/read.ts";
import { askTrials } from "../../shared/service/trials/ask.ts";
import { listTrials } from "../../shared/service/trials/read.ts";
import { reportTrial } from "../../shared/service/trials/report.ts";
import { tellTrial } from "../../shared/service/trials/tell.ts";
import { Store } from "../../shared/store/store.ts";
import type { LoadedStudy } from "../../shared/study/study.ts";
import { injectFaults } from "./faults.ts";
import { ladderSoundness } from "./ladder-soundness.ts";
import { keyed, makeStudy, noReceipt, testDeps } from "./service.ts";
import { faultFor, untilAnswered } from "./until-answered.ts";

/**
 * Workers of a study with a ladder, recorded: they report at rungs, tell, fail, hang until their lease is over and come back, while
 * calls fail and replies are lost. Every request is a process of its own.
 */
export const counted = [
  "stopped",
  "paused",
  "resumed",
  "completed",
  "failed",
  "lost",
  "stale",
  "fault",
] as const;
export type Counted = (typeof counted)[number];

export interface LadderHistory {
  readonly violations: readonly string[];
  readonly counts: Readonly<Record<Counted, number>>;
}

interface HistoryTable {
  readonly client: DynamoDBClient;
  readonly tableName: string;
}

export interface Story {
  readonly scheduler: SchedulerChoice;
  readonly trials: number;
  readonly workers: number;
}

const LEASE = { seconds: 60, maxAttempts: 2 };

export const playLadder = (seed: number, story: Story, table: HistoryTable): Promise<LadderHistory> =>
  new Play(seed, story, table).run();

class Play {
  readonly #dice: Random;
  readonly #story: Story;
  readonly #table: HistoryTable;
  readonly #clock = { now: Date.parse("2026-11-23T12:00:00Z") };
  readonly #counts = Object.fromEntries(counted.map((what) => [what, 0])) as Record<Counted, number>;
  readonly #found: string[] = [];
  /** Who was given each attempt, and how far it was to run. */
  readonly #owners = new Map<string, string>();
  readonly #resources = new Map<number, { attempt: number; resource: number }>();
  /** Of those that were stopped, in which attempt. */
  readonly #stopped = new Map<number, number>();
  #keys = 0;
  #tokens = 0;

  constructor(seed: number, story: Story, table: HistoryTable) {
    this.#dice = createRandom(seed);
    this.#story = story;
    this.#table = table;
  }

  #fresh = (): ServiceDeps => {
    const { client, tableName } = this.#table;
    const store = new Store({
      client,
      table: tableName,
      jitter: () => this.#dice.uniform(),
      token: () => `token-${this.#tokens++}`,
      sleep: async () => {},
    });
    return testDeps(client, tableName, this.#clock, { store });
  };

  #chance = (probability: number) => this.#dice.uniform() < probability;
  #context = (): WriteContext => (this.#chance(0.5) ? noReceipt : keyed(`key-${this.#keys++}`));

  #fault = () => faultFor(this.#dice.uniform(), 0.09);
  #send = <T>(run: (deps: ServiceDeps) => Promise<T>) => untilAnswered(() => this.#fresh(), run);

  async run(): Promise<LadderHistory> {
    const { scheduler, trials, workers } = this.#story;
    const study = await makeStudy(this.#fresh(), {
      executor: { type: "client" },
      budget: { trials, parallel: workers },
      lease: LEASE,
      scheduler,
    });
    const restore = injectFaults(this.#table.client, () => this.#fault());
    await Promise.all(Array.from({ length: workers }, (_, i) => this.#work(study, `w${i}`)));
    this.#counts.fault += restore();
    await this.#work(study, "last", true);
    await this.#judge(study);
    return { violations: this.#found, counts: this.#counts };
  }

  /** Asks and runs until the study is finished. @param isPatient without it, only for so many turns. */
  async #work(study: LoadedStudy, worker: string, isPatient = false): Promise<void> {
    const turns = isPatient ? 100 * this.#story.trials : 3 * this.#story.trials;
    for (let turn = 0; turn < turns; turn++) {
      this.#clock.now += this.#chance(isPatient ? 0.5 : 0.05) ? (LEASE.seconds + 1) * 1000 : 1000;
      const write = this.#context();
      const reply = await this.#send((deps) =>
        askTrials(deps, study, { worker: `${worker}-${turn}` }, write),
      );
      if (typeof reply === "string") continue;
      if (reply.state === "finished") return;
      for (const trial of reply.trials) {
        this.#lease(`${worker}-${turn}`, trial);
        await this.#attempt(study, trial, isPatient);
      }
    }
    if (isPatient) this.#found.push("the study did not come to its end");
  }

  #lease(worker: string, { number, attempt, resource }: LeasedTrial): void {
    const key = `${number}/${attempt}`;
    const owner = this.#owners.get(key);
    if (owner !== undefined && owner !== worker)
      this.#found.push(`attempt ${key} is ${owner}'s and ${worker}'s`);
    this.#owners.set(key, worker);
    // A reply may come late: it is of an earlier attempt then.
    if (attempt > (this.#stopped.get(number) ?? attempt))
      this.#found.push(`trial ${number} was stopped and runs again`);
    const known = this.#resources.get(number);
    // Another ask may have been answered later than it was carried out.
    if (known !== undefined && known.attempt < attempt && (resource ?? 0) < known.resource) {
      this.#found.push(`trial ${number} was to run to ${known.resource}, then to ${resource}`);
    }
    if (known === undefined || known.attempt < attempt) {
      if (known !== undefined && (resource ?? 0) > known.resource) this.#counts.resumed++;
      this.#resources.set(number, { attempt, resource: resource ?? 0 });
    }
  }

  async #attempt(study: LoadedStudy, trial: LeasedTrial, isPatient: boolean): Promise<void> {
    const { number, attempt, resource, reportAt } = trial;
    // It hangs, and nobody hears of it again, or late.
    if (!isPatient && this.#chance(0.1)) this.#clock.now += (LEASE.seconds + 1) * 1000;
    if (this.#chance(0.1)) return this.#tell(study, trial, { failed: { reason: "out of memory" } });
    let step = reportAt;
    for (let rungs = 0; step !== null && step < (resource ?? 0) + 1 && rungs < 20; rungs++) {
      if (!this.#chance(0.8)) break;
      const at = step;
      const write = this.#context();
      const values = { accuracy: this.#accuracy(number, at) };
      const reply = await this.#send((deps) =>
        reportTrial(deps, study, number, { attempt, step: at, values }, write),
      );
      if (typeof reply === "string") {
        this.#counts.stale++;
        return;
      }
      if (reply.decision === "stop") {
        this.#counts.stopped++;
        this.#stopped.set(number, attempt);
      }
      if (reply.decision === "pause") this.#counts.paused++;
      if (reply.decision !== "continue") return;
      step = reply.reportAt;
    }
    const values = { accuracy: this.#accuracy(number, resource ?? 0) };
    return this.#tell(study, trial, { values });
  }

  #accuracy = (number: number, step: number) => createRandom(number, step).integer(50) / 50;

  async #tell(
    study: LoadedStudy,
    { number, attempt }: LeasedTrial,
    result: { readonly values: { accuracy: number } } | { readonly failed: { reason: string } },
  ): Promise<void> {
    const write = this.#context();
    const reply = await this.#send((deps) => tellTrial(deps, study, number, { attempt, ...result }, write));
    if (typeof reply === "string") this.#counts.stale++;
    else if (reply.state === "paused") this.#counts.paused++;
  }

  async #judge(study: LoadedStudy): Promise<void> {
    const deps = this.#fresh();
    const { state, trials: counts, budget } = await readStudy(deps, study);
    if (state !== "finished") this.#found.push(`the study ends as ${state}`);
    const { trials } = await listTrials(deps, study, { limit: 1000 });
    trials.forEach(({ number }, i) => {
      if (number !== i) this.#found.push(`trial ${number} stands at place ${i}`);
    });
    if (trials.length !== budget.trials) this.#found.push(`${trials.length} of ${budget.trials} trials`);
    for (const [name, count] of Object.entries(counts)) {
      const listed = trials.filter((trial) => trial.state === name).length;
      if (listed !== count) this.#found.push(`${listed} trials are ${name}, the study counts ${count}`);
      if (count > 0 && ["running", "queued", "paused"].includes(name))
        this.#found.push(`${count} are left ${name}`);
    }
    this.#counts.completed += counts.completed;
    this.#counts.failed += counts.failed;
    this.#counts.lost += trials.filter(({ reason }) => reason?.startsWith("All") === true).length;
    const ran = trials.some(({ values }) => values !== null);
    const hasBest = (await readStudy(deps, study)).best.length > 0;
    if (ran && !hasBest) this.#found.push("there are results and no best");
    this.#found.push(...(await ladderSoundness(deps, study)));
  }
}
