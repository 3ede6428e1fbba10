import { expect } from "vitest";
import type { RouteName, routes } from "../../shared/api/routes.ts";
import type { Caller } from "../../shared/auth/authorize.ts";
import type { ProblemType } from "../../shared/errors.ts";
import type { AuditExport } from "../../shared/schemas/audit.ts";
import type { TeamBudget } from "../../shared/schemas/budget.ts";
import type { Credentials } from "../../shared/schemas/credentials.ts";
import type { Grant, GrantPage } from "../../shared/schemas/grant.ts";
import type { Member, MemberPage } from "../../shared/schemas/member.ts";
import type { CreateStudyBody, Study, StudyPage } from "../../shared/schemas/study.ts";
import type { CreatedToken, TokenPage } from "../../shared/schemas/token.ts";
import type {
  AddTrialsReply,
  AskReply,
  CheckpointUrls,
  ReportReply,
  Trial,
  TrialDetail,
  TrialPage,
} from "../../shared/schemas/trial.ts";
import { createTeam } from "../../shared/service/access/teams.ts";
import { FOLD_AT, KEEP } from "../../shared/service/core/fold.ts";
import { loadStudy } from "../../shared/service/core/load.ts";
import { teamKey } from "../../shared/store/keys.ts";
import { findToken } from "../../shared/store/token.ts";
import { actionsOn, batchExecution, halvingScheduler } from "./batch.ts";
import { callerAs } from "./callers.ts";
import { type Act, type CrashWorld, type Heard, itemsOf, type Scenario, type Visit } from "./crash-points.ts";
import { injectFaults } from "./faults.ts";
import { type Gateway, gateway } from "./gateway.ts";
import { Machine } from "./machine.ts";
import { nestedCv, studyBody, TEAM } from "./service.ts";

/** Acts of clients and containers over HTTP, one or more for every route that writes. */

export type WriteRoute = {
  [N in RouteName]: (typeof routes)[N]["method"] extends "GET" ? never : N;
}[RouteName];

/** Those of sweeps have their acts in `sweep-scenarios.ts`. */
export type SweepRoute = Extract<WriteRoute, `${string}Sweep`>;

/** What an act over HTTP is. */
interface RequestAct {
  readonly method: string;
  /** Below the team. */
  readonly path: string;
  /** Whose path it is, if not that of the world's team. */
  readonly team?: string;
  readonly body?: unknown;
  readonly caller?: Caller;
  /** What a try without a key hears after an earlier one, whose answer was lost, has done it; with a key, too, if it is shown once. */
  readonly repeatRefused?: ProblemType | readonly ProblemType[];
  readonly check: (visit: Visit) => Promise<void>;
}

export const owner = callerAs("owner");
const base = `/v1/teams/${TEAM}`;

/** Reads over HTTP, without faults. */
export const read = async <T>(world: CrashWorld, path: string): Promise<T> => {
  const { status, body } = await ask<T>(gateway(world.process()), "GET", path);
  expect(status).toBe(200);
  return body;
};

const ask = <T>(call: Gateway, method: string, path: string, body?: unknown) =>
  call<T>(method, `${base}${path}`, { caller: owner, ...(body !== undefined && { body }) });

/** Writes over HTTP, without faults. */
export const write = async <T>(
  world: CrashWorld,
  method: string,
  path: string,
  body?: unknown,
): Promise<T> => {
  const reply = await ask<T>(gateway(world.process()), method, path, body);
  expect(reply.status, JSON.stringify(reply.body)).toBeLessThan(300);
  return reply.body;
};

const isRefusal = ({ body }: Heard, type: ProblemType): boolean =>
  typeof body === "object" && body !== null && "type" in body && body.type === type;

export const request = ({
  method,
  path,
  team = TEAM,
  body,
  caller = owner,
  repeatRefused,
  check,
}: RequestAct): Act => ({
  send: async (deps, key) => {
    const reply = await gateway(deps)(method, `/v1/teams/${team}${path}`, {
      caller,
      ...(body !== undefined && { body }),
      ...(key !== null && { headers: { "idempotency-key": key } }),
    });
    return { status: reply.status, body: reply.body };
  },
  isAnswer: (heard) => heard.status < 500 && !isRefusal(heard, "in-progress"),
  check: async (visit) => {
    const { answer, tries, key } = visit;
    const refusals = [repeatRefused ?? []].flat();
    const isRepeat = tries > 1 && (key === null || refusals.includes("shown-once"));
    const wasDone = isRepeat && refusals.some((type) => isRefusal(answer, type));
    if (!wasDone) expect(answer.status, JSON.stringify(answer.body)).toBeLessThan(300);
    await check(visit);
  },
});

export const studyPath = (world: CrashWorld, rest = "") => `/studies/${world.study.id}${rest}`;
export const readStudy = (world: CrashWorld) => read<Study>(world, studyPath(world));
export const readTrials = async (world: CrashWorld): Promise<readonly Trial[]> =>
  (await read<TrialPage>(world, `${studyPath(world)}/trials?limit=1000`)).trials;
export const readTrial = (world: CrashWorld, number: number) =>
  read<TrialDetail>(world, studyPath(world, `/trials/${number}`));

export const lease = async (world: CrashWorld, body: object = {}): Promise<AskReply["trials"]> =>
  (await write<AskReply>(world, "POST", studyPath(world, "/ask"), body)).trials;

/** Uploads a checkpoint of a trial's first attempt. @returns what it was uploaded to. */
export const upload = async (world: CrashWorld, number: number): Promise<CheckpointUrls["upload"]> => {
  const path = studyPath(world, `/trials/${number}/checkpoint`);
  const { upload: next } = await write<CheckpointUrls>(world, "POST", path, { attempt: 1 });
  world.checkpoints.upload(next);
  return next;
};

/** A checkpoint that is uploaded and committed. */
const save = async (world: CrashWorld, number: number): Promise<CheckpointUrls["upload"]> => {
  const saved = await upload(world, number);
  const body = { attempt: 1, checkpoint: saved.checkpoint };
  await write(world, "POST", studyPath(world, `/trials/${number}/heartbeat`), body);
  return saved;
};

const tellAll = async (world: CrashWorld, trials: AskReply["trials"]): Promise<void> => {
  for (const { number, attempt } of trials) {
    const body = { attempt, values: { accuracy: number / 100 } };
    await write(world, "POST", studyPath(world, `/trials/${number}/tell`), body);
  }
};

const params = { C: 1, gamma: 0.1 };
const finished = (count: number) =>
  Array.from({ length: count }, () => ({ params, values: { accuracy: 0.5 } }));
const queued = (count: number) => Array.from({ length: count }, () => ({ params }));
const add = (world: CrashWorld, trials: readonly object[]) =>
  write<AddTrialsReply>(world, "POST", studyPath(world, "/trials"), { trials });

export const client: Partial<CreateStudyBody> = {
  executor: { type: "client" },
  budget: { trials: 6, parallel: 4 },
};
/** Two outer folds, each with a search of two trials. */
const nested: Partial<CreateStudyBody> = {
  executor: { type: "client" },
  budget: { trials: 2, parallel: 4 },
  evaluation: nestedCv,
};
/** Eight configurations in the first race. */
const racing: Partial<CreateStudyBody> = {
  ...client,
  algorithm: { name: "irace", seed: 1, shuffle: true },
  evaluation: { type: "instances", count: 6 },
  budget: { trials: 150, parallel: 50 },
};
export const batch: Partial<CreateStudyBody> = {
  executor: batchExecution,
  budget: { trials: 4, parallel: 2 },
};
export const rounds: Partial<CreateStudyBody> = {
  executor: batchExecution,
  budget: { trials: 3, parallel: 3 },
  scheduler: { ...halvingScheduler, resource: { name: "epoch", min: 1, max: 3 } },
};
/** One attempt, of a minute: what is lost is lost. */
export const single = { lease: { seconds: 60, maxAttempts: 1 } };
export const twice = { lease: { seconds: 60, maxAttempts: 2 } };
export const OVER = 61_000;

/** The caller that the container of a trial's attempt is. */
const container = (world: CrashWorld, trial: number, kind: "bootstrap" | "trial", attempt = 1): Caller => ({
  kind,
  team: TEAM,
  study: world.study.id,
  trial,
  attempt,
});

/** How often an act without a key may have been carried out; with one, once. */
const atMost = ({ key, tries }: Visit) => (key === null ? tries : 1);

const runsOf = (trials: readonly Trial[]) => trials.filter(({ state }) => state === "running").length;

/** The first rung, its trials claimed by their containers. */
export const openRounds = async (world: CrashWorld): Promise<Machine> => {
  await world.start();
  const machine = new Machine(world);
  machine.send((await machine.open(0)).trials);
  await world.deliver();
  for (const job of world.batch.alive()) {
    world.batch.run(job);
    await world.claim(Number(job.environment.HONE_TRIAL));
  }
  return machine;
};

/** Finished trials, enough for an ask to fold them. */
const TAIL = FOLD_AT + 24;

/** A tail that long in a study that asks for a few more. */
const longStudy = { ...client, budget: { trials: 6, parallel: 4 } };
const fillTail = async (world: CrashWorld): Promise<void> => {
  const known = fullTails.get(world.study.id);
  if (known !== undefined) return world.table.restore(known);
  for (let i = 0; i < 2; i++) await add(world, finished(TAIL / 2));
  fullTails.set(world.study.id, world.table.items());
};
/** Made once: the worlds of a scenario are equal until its act begins. */
const fullTails = new Map<string, ReturnType<CrashWorld["table"]["items"]>>();

/** Nothing but what expires by itself, and what its team has spent, is left of a study: the table is what it was before. */
export const lasting = (items: readonly string[]): string[] =>
  items.filter((item) => !("ttl" in (JSON.parse(item) as object)) && !item.includes('"SPEND#'));

/** A second study in the world, made by `populate`, and its deletion. */
export const deletion = (
  change: Partial<CreateStudyBody>,
  populate: (world: CrashWorld) => Promise<void>,
): Scenario => ({
  study: client,
  prepare: async (world) => {
    // Every study of the team leaves its traces in the team's items; a first one makes those.
    const first = await write<Study>(world, "POST", "/studies", studyBody());
    await write(world, "DELETE", `/studies/${first.study}`);
    await settleDown(world);
    const untouched = lasting(itemsOf(world));
    const { study: id } = await write<Study>(
      world,
      "POST",
      "/studies",
      studyBody({ ...change, name: "doomed" }),
    );
    const study = await loadStudy(world.deps, TEAM, id);
    const doomed = { ...world, study, ...actionsOn(world.deps, study, world.queue, world.batch) };
    await populate(doomed);
    expect(lasting(itemsOf(world)).length).toBeGreaterThan(untouched.length + 3);
    return request({
      method: "DELETE",
      path: `/studies/${id}`,
      repeatRefused: "study-not-found",
      check: async (visit) => {
        const { status } = await ask(gateway(world.process()), "GET", `/studies/${id}`);
        expect(status).toBe(404);
        await settleDown(visit.world);
        expect(lasting(itemsOf(world))).toEqual(untouched);
        expect(world.batch.alive()).toEqual([]);
        expect([...world.checkpoints.keys]).toEqual([]);
        expect([...world.batch.definitions]).toEqual([]);
        expect([...world.rounds.executions.values()].filter((state) => state === "running")).toEqual([]);
        const { studies } = await read<StudyPage>(world, "/studies");
        expect(studies.map(({ study: each }) => each)).not.toContain(id);
      },
    });
  },
});

/** The reconciler's rounds until what was lost is found again; no lease expires meanwhile. */
export const settleDown = async (world: CrashWorld): Promise<void> => {
  for (let i = 0; i < 4; i++) {
    world.clock.now += 61_000;
    await world.reconcile();
  }
};

/** No job definition is registered that the study's head does not name. */
const expectNamed = async (world: CrashWorld): Promise<void> => {
  expect([...world.batch.definitions]).toEqual([(await world.snapshot()).head.definition]);
};

export const keptAsTold = async (world: CrashWorld, number: number, change: object): Promise<void> => {
  expect(await readTrial(world, number)).toMatchObject(change);
};

export const routeScenarios: {
  readonly [N in Exclude<WriteRoute, SweepRoute>]: Readonly<Record<string, Scenario>>;
} = {
  createStudy: {
    "nested cross-validation": {
      prepare: async (world) =>
        request({
          method: "POST",
          path: "/studies",
          body: studyBody({ ...nested, name: "fresh-nested" }),
          check: async (visit) => {
            const { studies } = await read<StudyPage>(world, "/studies");
            const fresh = studies.filter(({ name }) => name === "fresh-nested");
            expect(fresh.length).toBeLessThanOrEqual(atMost(visit));
            for (const { study } of fresh) {
              expect((await read<Study>(world, `/studies/${study}`)).nested?.folds).toHaveLength(2);
            }
          },
        }),
    },
    "a warm start": {
      prepare: async (world) =>
        request({
          method: "POST",
          path: "/studies",
          body: studyBody({
            name: "fresh-warm",
            algorithm: { name: "tpe" },
            warmStart: { studies: [{ study: world.study.id }] },
          }),
          check: async (visit) => {
            const { studies } = await read<StudyPage>(world, "/studies");
            const fresh = studies.filter(({ name }) => name === "fresh-warm");
            expect(fresh.length).toBeLessThanOrEqual(atMost(visit));
            for (const { study } of fresh) {
              const [taken] = (await read<Study>(world, `/studies/${study}`)).warmStart?.studies ?? [];
              expect(taken?.study).toBe(world.study.id);
            }
          },
        }),
    },
    "a study": {
      prepare: async (world) => {
        const known = (await read<StudyPage>(world, "/studies")).studies.length;
        return request({
          method: "POST",
          path: "/studies",
          body: studyBody({ name: "fresh" }),
          check: async (visit) => {
            const { studies } = await read<StudyPage>(world, "/studies");
            const fresh = studies.filter(({ name }) => name === "fresh");
            expect(studies.length - fresh.length).toBe(known);
            expect(fresh.length).toBeLessThanOrEqual(atMost(visit));
            const { study } = visit.answer.body as Study;
            expect(fresh.map((each) => each.study)).toContain(study);
            for (const each of fresh) await read(world, `/studies/${each.study}`);
          },
        });
      },
    },
  },

  patchStudy: {
    "the budget of nested cross-validation": {
      study: nested,
      prepare: async (world) =>
        request({
          method: "PATCH",
          path: studyPath(world),
          body: { budget: { trials: 3 } },
          check: async () => {
            expect((await readStudy(world)).budget.trials).toBe(3);
            expect(await lease(world, { count: 9 })).toHaveLength(6);
          },
        }),
    },
    "the budget of a client study": {
      study: client,
      prepare: async (world) =>
        request({
          method: "PATCH",
          path: studyPath(world),
          body: { budget: { trials: 9 } },
          check: async () =>
            expect((await readStudy(world)).budget).toMatchObject({ trials: 9, parallel: 4 }),
        }),
    },
    pausing: {
      study: client,
      prepare: async (world) => {
        await lease(world);
        return request({
          method: "PATCH",
          path: studyPath(world),
          body: { state: "paused" },
          check: async () => {
            expect((await readStudy(world)).state).toBe("paused");
            expect(await lease(world)).toEqual([]);
            await write(world, "PATCH", studyPath(world), { state: "running" });
          },
        });
      },
    },
    "resuming a batch study that waits for it with free slots": {
      study: batch,
      prepare: async (world) => {
        await world.launch();
        await write(world, "PATCH", studyPath(world), { state: "paused" });
        await world.finish(0, 0.5);
        return request({
          method: "PATCH",
          path: studyPath(world),
          body: { state: "running", budget: { parallel: 3 } },
          check: async () => {
            await settleDown(world);
            const study = await readStudy(world);
            expect(study).toMatchObject({ state: "running", budget: { parallel: 3 } });
            expect(study.trials.queued + study.trials.running).toBe(3);
          },
        });
      },
    },
  },

  deleteStudy: {
    "a client study with running, told and imported trials and reports": deletion(client, async (world) => {
      const trials = await lease(world, { count: 3 });
      for (const { number, attempt } of trials) {
        const body = { attempt, step: 1, values: { accuracy: 0.1 } };
        for (const step of [1, 2]) {
          await write(world, "POST", studyPath(world, `/trials/${number}/report`), { ...body, step });
        }
      }
      await tellAll(world, trials.slice(0, 1));
      await add(world, finished(2));
      await save(world, 1);
      await upload(world, 1);
      await upload(world, 2);
      await save(world, 2);
    }),
    "nested cross-validation with told and running trials and a refit": deletion(nested, async (world) => {
      await tellAll(world, await lease(world, { count: 4 }));
      const [refit] = await lease(world);
      const body = { attempt: 1, step: 1, values: { accuracy: 0.1 } };
      await write(world, "POST", studyPath(world, `/trials/${refit?.number}/report`), body);
      await upload(world, refit?.number ?? 0);
    }),
    "a batch study whose jobs run": deletion(batch, async (world) => {
      await world.launch();
    }),
    "a study in rounds": deletion(rounds, async (world) => {
      await openRounds(world);
      await world.finish(0, 0.5);
    }),
  },

  ask: {
    "trials of both outer folds": {
      study: nested,
      prepare: async (world) =>
        request({
          method: "POST",
          path: studyPath(world, "/ask"),
          body: { worker: "w1", count: 2 },
          check: async (visit) => {
            const { trials } = visit.answer.body as AskReply;
            expect(new Set(trials.map(({ split }) => split?.outer)).size).toBe(2);
            // The worker names itself: whatever was lost, it has no more than it asked for.
            expect((await readStudy(world)).trials.running).toBe(2);
          },
        }),
    },
    "the refit of a winner": {
      study: nested,
      prepare: async (world) => {
        await tellAll(world, await lease(world, { count: 4 }));
        return request({
          method: "POST",
          path: studyPath(world, "/ask"),
          body: { worker: "w1" },
          check: async ({ answer }) => {
            expect((answer.body as AskReply).trials).toMatchObject([{ split: { phase: "refit" } }]);
            // Each fold has one refit, however often it was seen to be due.
            const refits = (await readTrials(world)).filter(({ split }) => split?.phase === "refit");
            expect(new Set(refits.map(({ split }) => split?.outer)).size).toBe(refits.length);
            expect(refits.filter(({ state }) => state === "running")).toHaveLength(1);
          },
        });
      },
    },
    "a new trial": {
      study: client,
      prepare: async (world) =>
        request({
          method: "POST",
          path: studyPath(world, "/ask"),
          check: async (visit) => {
            const { trials } = visit.answer.body as AskReply;
            expect(trials).toHaveLength(1);
            const all = await readTrials(world);
            expect(all.length).toBeLessThanOrEqual(atMost(visit));
            expect(all.find(({ number }) => number === trials[0]?.number)).toMatchObject({
              state: "running",
              attempt: 1,
            });
          },
        }),
    },
    "a trial that was proposed ahead": {
      study: { ...client, budget: { trials: 60, parallel: 60 } },
      prepare: async (world) => {
        await lease(world, { worker: "many", count: 40 });
        await lease(world, { worker: "one" });
        return request({
          method: "POST",
          path: studyPath(world, "/ask"),
          check: async (visit) => {
            const { trials } = visit.answer.body as AskReply;
            expect(trials).toMatchObject([{ attempt: 1 }]);
            const all = await readTrials(world);
            expect(all.find(({ number }) => number === trials[0]?.number)).toMatchObject({
              state: "running",
            });
            expect(runsOf(all) - 41).toBeLessThanOrEqual(atMost(visit));
            // Whoever took a number and died leaves its trial waiting, and it is handed out a minute later.
            const left = all.filter(({ state }) => state === "queued").length;
            expect(runsOf(all) + left).toBe(all.length);
          },
        });
      },
    },
    "two trials for a worker by name, who gets its own back": {
      study: client,
      prepare: async (world) =>
        request({
          method: "POST",
          path: studyPath(world, "/ask"),
          body: { worker: "w1", count: 2 },
          check: async (visit) => {
            const { trials } = visit.answer.body as AskReply;
            expect(trials.map(({ number, attempt }) => [number, attempt])).toEqual([
              [0, 1],
              [1, 1],
            ]);
            expect(await readTrials(world)).toHaveLength(2);
          },
        }),
    },
    "an enqueued trial and a new one": {
      study: client,
      prepare: async (world) => {
        await add(world, queued(1));
        return request({
          method: "POST",
          path: studyPath(world, "/ask"),
          body: { worker: "w1", count: 2 },
          check: async ({ answer }) => {
            const { trials } = answer.body as AskReply;
            expect(trials.map(({ number, algorithm }) => [number, algorithm])).toEqual([
              [0, "enqueue"],
              [1, "random"],
            ]);
            expect(runsOf(await readTrials(world))).toBe(2);
          },
        });
      },
    },
    "a trial whose lease expired": {
      study: { ...client, ...twice },
      prepare: async (world) => {
        await lease(world, { worker: "gone" });
        world.clock.now += OVER;
        return request({
          method: "POST",
          path: studyPath(world, "/ask"),
          body: { worker: "w1" },
          check: async ({ answer }) => {
            expect((answer.body as AskReply).trials).toMatchObject([{ number: 0, attempt: 2 }]);
            await keptAsTold(world, 0, { state: "running", attempt: 2, worker: "w1" });
            expect(await readTrials(world)).toHaveLength(1);
            await refusedAsStale(world, 0, 1);
          },
        });
      },
    },
    "a trial whose last attempt expired, and a new one in its place": {
      study: { ...client, ...single },
      prepare: async (world) => {
        await lease(world, { worker: "gone" });
        world.clock.now += OVER;
        return request({
          method: "POST",
          path: studyPath(world, "/ask"),
          body: { worker: "w1" },
          check: async ({ answer }) => {
            expect((answer.body as AskReply).trials).toMatchObject([{ number: 1, attempt: 1 }]);
            const trials = await readTrials(world);
            expect(trials).toMatchObject([{ state: "failed" }, { state: "running" }]);
            const { attempts } = await readTrial(world, 0);
            expect(attempts).toMatchObject([{ attempt: 1, end: "expired" }]);
          },
        });
      },
    },
    "while the study's tail is long enough to be folded": {
      study: longStudy,
      prepare: async (world) => {
        await fillTail(world);
        return request({
          method: "POST",
          path: studyPath(world, "/ask"),
          body: { worker: "w1" },
          check: async ({ answer, tries, refused }) => {
            // The fold follows from the ask: it never makes it fail.
            expect((answer.body as AskReply).trials).toMatchObject([{ number: TAIL, attempt: 1 }]);
            expect(tries + refused.length).toBeLessThanOrEqual(3);
            await expectFolded(world);
          },
        });
      },
    },
    "while a fold is to be swept": {
      study: longStudy,
      prepare: async (world) => {
        await fillTail(world);
        let deaths = 0;
        const restore = injectFaults(world.client, (command) => {
          if (command !== "BatchWriteItemCommand") return "none";
          deaths++;
          return "crash-before";
        });
        await lease(world, { worker: "w0" });
        restore();
        expect(deaths).toBeGreaterThan(0);
        return request({
          method: "POST",
          path: studyPath(world, "/ask"),
          body: { worker: "w1" },
          check: async ({ answer }) => {
            expect((answer.body as AskReply).trials).toMatchObject([{ number: TAIL + 1, attempt: 1 }]);
            await expectFolded(world);
          },
        });
      },
    },
  },

  report: {
    "a value, with a checkpoint": {
      study: client,
      prepare: async (world) => {
        await lease(world);
        world.clock.now += 10_000;
        return request({
          method: "POST",
          path: studyPath(world, "/trials/0/report"),
          body: { attempt: 1, step: 3, values: { accuracy: 0.25, loss: 2 }, checkpoint: "s3://bucket/3" },
          check: async ({ answer }) => {
            expect((answer.body as ReportReply).decision).toBe("continue");
            const trial = await readTrial(world, 0);
            expect(trial).toMatchObject({ state: "running", attempt: 1, checkpoint: "s3://bucket/3" });
            expect(trial.reports).toMatchObject([
              { attempt: 1, step: 3, values: { accuracy: 0.25, loss: 2 } },
            ]);
          },
        });
      },
    },
    "a value, with a checkpoint that Hone keeps, in place of another": {
      study: client,
      prepare: async (world) => {
        await lease(world);
        const first = await save(world, 0);
        const lost = await upload(world, 0);
        world.clock.now += 10_000;
        const second = await upload(world, 0);
        const { checkpoint } = second;
        return request({
          method: "POST",
          path: studyPath(world, "/trials/0/report"),
          body: { attempt: 1, step: 3, values: { accuracy: 0.25 }, checkpoint },
          check: async () => {
            await keptAsTold(world, 0, { state: "running", attempt: 1, checkpoint });
            expect(world.checkpoints.has(second)).toBe(true);
            await world.reconcile();
            const left = [first, lost, second].map((each) => world.checkpoints.has(each));
            expect(left).toEqual([false, false, true]);
          },
        });
      },
    },
    "a value of a container in rounds": {
      study: rounds,
      prepare: async (world) => {
        await openRounds(world);
        return request({
          method: "POST",
          path: studyPath(world, "/trials/1/report"),
          caller: container(world, 1, "trial"),
          body: { attempt: 1, step: 1, values: { accuracy: 0.25 } },
          check: async () => {
            const { reports } = await readTrial(world, 1);
            expect(reports).toMatchObject([{ attempt: 1, step: 1, values: { accuracy: 0.25 } }]);
          },
        });
      },
    },
  },

  heartbeat: {
    "of a client": {
      study: client,
      prepare: async (world) => {
        await lease(world);
        world.clock.now += 10_000;
        return request({
          method: "POST",
          path: studyPath(world, "/trials/0/heartbeat"),
          body: { attempt: 1, checkpoint: "s3://bucket/1" },
          check: async ({ answer }) => {
            const { leaseExpires } = answer.body as ReportReply;
            expect(Date.parse(leaseExpires)).toBe(world.clock.now + 3_600_000);
            await keptAsTold(world, 0, { state: "running", attempt: 1, checkpoint: "s3://bucket/1" });
          },
        });
      },
    },
    "of a client, with a checkpoint that Hone keeps": {
      study: client,
      prepare: async (world) => {
        await lease(world);
        await save(world, 0);
        world.clock.now += 10_000;
        const saved = await upload(world, 0);
        const { checkpoint } = saved;
        return request({
          method: "POST",
          path: studyPath(world, "/trials/0/heartbeat"),
          body: { attempt: 1, checkpoint },
          check: async () => {
            await keptAsTold(world, 0, { state: "running", attempt: 1, checkpoint });
            await world.reconcile();
            expect([...world.checkpoints.keys]).toEqual([new URL(saved.url).pathname.slice(1)]);
          },
        });
      },
    },
    "of a container": {
      study: batch,
      prepare: async (world) => {
        await world.launch();
        world.clock.now += 10_000;
        return request({
          method: "POST",
          path: studyPath(world, "/trials/1/heartbeat"),
          caller: container(world, 1, "trial"),
          body: { attempt: 1 },
          check: async () => {
            // A minute before the lease ends the container has not been given up.
            world.clock.now += 3_595_000;
            await world.reconcile();
            const [first, second] = await readTrials(world);
            expect(second).toMatchObject({ state: "running", attempt: 1 });
            expect(first).toMatchObject({ attempt: 2 });
          },
        });
      },
    },
  },

  checkpoint: {
    "of a client": {
      study: client,
      prepare: async (world) => {
        await lease(world);
        const saved = await save(world, 0);
        return request({
          method: "POST",
          path: studyPath(world, "/trials/0/checkpoint"),
          body: { attempt: 1 },
          check: async ({ answer }) => {
            const { upload: next, download } = answer.body as CheckpointUrls;
            expect(world.checkpoints.has({ url: download?.url ?? "" })).toBe(true);
            expect(world.checkpoints.has(next)).toBe(false);
            await keptAsTold(world, 0, { state: "running", checkpoint: saved.checkpoint });
          },
        });
      },
    },
    "of a container": {
      study: batch,
      prepare: async (world) => {
        await world.launch();
        return request({
          method: "POST",
          path: studyPath(world, "/trials/1/checkpoint"),
          caller: container(world, 1, "trial"),
          body: { attempt: 1 },
          check: async ({ answer }) => {
            expect(answer.body).toMatchObject({ upload: { method: "PUT" }, download: null });
          },
        });
      },
    },
  },

  tell: {
    "a refit's result": {
      study: nested,
      prepare: async (world) => {
        await tellAll(world, await lease(world, { count: 4 }));
        const [refit] = await lease(world);
        return request({
          method: "POST",
          path: studyPath(world, `/trials/${refit?.number}/tell`),
          body: { attempt: 1, values: { accuracy: 0.25 } },
          check: async ({ answer }) => {
            expect(answer.body).toEqual({ number: refit?.number, state: "completed" });
            expect((await readStudy(world)).nested).toMatchObject({ scored: 1, mean: 0.25 });
          },
        });
      },
    },
    "a result with a checkpoint, which nobody needs then": {
      study: client,
      prepare: async (world) => {
        await lease(world);
        await save(world, 0);
        world.clock.now += 10_000;
        const { checkpoint } = await upload(world, 0);
        return request({
          method: "POST",
          path: studyPath(world, "/trials/0/tell"),
          body: { attempt: 1, values: { accuracy: 0.75 }, checkpoint },
          check: async () => {
            await keptAsTold(world, 0, { state: "completed", values: { accuracy: 0.75 }, checkpoint });
            await world.reconcile();
            expect([...world.checkpoints.keys]).toEqual([]);
          },
        });
      },
    },
    "a result": {
      study: client,
      prepare: async (world) => {
        await lease(world);
        return request({
          method: "POST",
          path: studyPath(world, "/trials/0/tell"),
          body: { attempt: 1, values: { accuracy: 0.75 } },
          check: async ({ answer }) => {
            expect(answer.body).toEqual({ number: 0, state: "completed" });
            await keptAsTold(world, 0, { state: "completed", values: { accuracy: 0.75 } });
            expect((await readStudy(world)).trials).toMatchObject({ completed: 1, running: 0 });
          },
        });
      },
    },
    "a failure": {
      study: client,
      prepare: async (world) => {
        await lease(world);
        return request({
          method: "POST",
          path: studyPath(world, "/trials/0/tell"),
          body: { attempt: 1, failed: { reason: "out of memory" } },
          check: async () => keptAsTold(world, 0, { state: "failed", reason: "out of memory" }),
        });
      },
    },
    "that the client gives the trial back, with a checkpoint": {
      study: client,
      prepare: async (world) => {
        await lease(world, { worker: "w1" });
        await save(world, 0);
        world.clock.now += 10_000;
        const saved = await upload(world, 0);
        const { checkpoint } = saved;
        return request({
          method: "POST",
          path: studyPath(world, "/trials/0/tell"),
          body: { attempt: 1, released: { reason: "SIGTERM" }, checkpoint },
          check: async ({ answer }) => {
            expect(answer.body).toEqual({ number: 0, state: "queued" });
            await keptAsTold(world, 0, { state: "queued", leaseExpires: null, checkpoint });
            const { attempts } = await readTrial(world, 0);
            expect(attempts).toMatchObject([{ attempt: 1, end: "interrupted", reason: "SIGTERM" }]);
            expect((await world.snapshot()).trials).toMatchObject([{ lost: 0 }]);
            await world.reconcile();
            expect([...world.checkpoints.keys]).toEqual([new URL(saved.url).pathname.slice(1)]);
            expect(await lease(world, { worker: "w2" })).toMatchObject([
              { number: 0, attempt: 2, checkpoint },
            ]);
            await refusedAsStale(world, 0, 1);
          },
        });
      },
    },
    "of a container, which frees a slot": {
      study: batch,
      prepare: async (world) => {
        await world.launch();
        world.clock.now += 7000;
        return request({
          method: "POST",
          path: studyPath(world, "/trials/0/tell"),
          caller: container(world, 0, "trial"),
          body: { attempt: 1, values: { accuracy: 0.75 } },
          check: async () => {
            await keptAsTold(world, 0, { state: "completed", values: { accuracy: 0.75 } });
            expect((await world.snapshot()).head.gpuSeconds).toBe(7);
            await settleDown(world);
            const { trials } = await readStudy(world);
            expect(trials.queued + trials.running).toBe(2);
            // Its job ran on until Hone ended it, a minute later.
            expect((await world.snapshot()).head.gpuSeconds).toBe(68);
          },
        });
      },
    },
    "of a container in rounds, whose machine waits": {
      study: rounds,
      prepare: async (world) => {
        await openRounds(world);
        world.clock.now += 7000;
        return request({
          method: "POST",
          path: studyPath(world, "/trials/1/tell"),
          caller: container(world, 1, "trial"),
          body: { attempt: 1, values: { accuracy: 0.75 } },
          check: async () => {
            await keptAsTold(world, 1, { state: "paused", values: { accuracy: 0.75 } });
            expect((await world.snapshot()).head.gpuSeconds).toBe(7);
            await settleDown(world);
            expect([...world.rounds.waiting]).toEqual([0, 2].map((n) => `${world.study.id}-1-0:${n}`));
          },
        });
      },
    },
  },

  claim: {
    "of a container": {
      study: batch,
      prepare: async (world) => {
        await world.start();
        await world.deliver();
        const job = world.batch.run(world.batch.of(0));
        const body = { attempt: 1, jobId: job.jobId, claimant: "claimant-0123456789" };
        return request({
          method: "POST",
          path: studyPath(world, "/trials/0/claim"),
          caller: container(world, 0, "bootstrap"),
          body,
          check: async ({ answer }) => {
            expect(answer.body).toMatchObject({ number: 0, attempt: 1, token: expect.any(String) });
            const other = { ...body, claimant: "claimant-of-another" };
            const { status, body: problem } = await gateway(world.process())(
              "POST",
              `${base}${studyPath(world, "/trials/0/claim")}`,
              { caller: container(world, 0, "bootstrap"), body: other },
            );
            expect([status, problem.type]).toEqual([409, "claim-lost"]);
          },
        });
      },
    },
  },

  addTrials: {
    "configurations to try": {
      study: client,
      prepare: async (world) =>
        request({
          method: "POST",
          path: studyPath(world, "/trials"),
          body: { trials: queued(2) },
          check: async (visit) => {
            const trials = await readTrials(world);
            expect(trials.length / 2).toBeLessThanOrEqual(atMost(visit));
            expect(trials.every(({ state }) => state === "queued")).toBe(true);
            const told = (visit.answer.body as AddTrialsReply).trials.map(({ number }) => number);
            expect(trials.map(({ number }) => number)).toEqual(expect.arrayContaining(told));
          },
        }),
    },
    "configurations that enter the first race": {
      study: racing,
      prepare: async (world) =>
        request({
          method: "POST",
          path: studyPath(world, "/trials"),
          body: { trials: queued(1) },
          check: async (visit) => {
            const all = await readTrials(world);
            expect(all.length).toBeLessThanOrEqual(atMost(visit));
            const { trials } = visit.answer.body as AddTrialsReply;
            const number = trials[0]?.number ?? -1;
            expect(all[number]).toMatchObject({ state: "queued", configuration: number, iteration: 1 });
            // Every one of the race meets the same instance first.
            const asked = await lease(world, { count: 8 });
            expect(new Set(asked.map(({ instance }) => instance))).toEqual(new Set([all[number]?.instance]));
          },
        }),
    },
    "a few results": { study: client, prepare: (world) => imports(world, 3) },
    "many results, which go to a segment": { study: client, prepare: (world) => imports(world, 60) },
    "configurations for a batch study that has slots": {
      study: batch,
      prepare: async (world) => {
        await write(world, "PATCH", studyPath(world), { budget: { trials: 3 } });
        await world.launch();
        await write(world, "PATCH", studyPath(world), { budget: { trials: 9, parallel: 2 } });
        return request({
          method: "POST",
          path: studyPath(world, "/trials"),
          body: { trials: queued(1) },
          check: async (visit) => {
            await settleDown(world);
            const trials = await readTrials(world);
            const enqueued = trials.filter(({ algorithm }) => algorithm === "enqueue");
            expect(enqueued.length).toBeGreaterThan(0);
            expect(enqueued.length).toBeLessThanOrEqual(atMost(visit));
          },
        });
      },
    },
  },

  start: {
    "a batch study": {
      study: batch,
      prepare: async (world) =>
        request({
          method: "POST",
          path: studyPath(world, "/start"),
          check: async () => {
            await settleDown(world);
            const { trials } = await readStudy(world);
            expect(trials).toMatchObject({ queued: 2, running: 0 });
            expect((await world.snapshot()).head).toMatchObject({ started: true, generation: 1 });
            await expectNamed(world);
          },
        }),
    },
    "a study in rounds": {
      study: rounds,
      prepare: async (world) =>
        request({
          method: "POST",
          path: studyPath(world, "/start"),
          check: async () => {
            await settleDown(world);
            expect([...world.rounds.executions]).toEqual([[`${world.study.id}-1`, "running"]]);
            await expectNamed(world);
          },
        }),
    },
    "a study that was stopped while its trials ran": {
      study: batch,
      prepare: async (world) => {
        await world.launch();
        await write(world, "POST", studyPath(world, "/stop"));
        return request({
          method: "POST",
          path: studyPath(world, "/start"),
          check: async () => {
            await settleDown(world);
            const trials = await readTrials(world);
            expect(trials).toMatchObject([
              { state: "queued", attempt: 2 },
              { state: "queued", attempt: 2 },
            ]);
            expect((await world.snapshot()).head).toMatchObject({ started: true, generation: 2 });
            await expectNamed(world);
          },
        });
      },
    },
  },

  stop: {
    "ending what runs": {
      study: batch,
      prepare: async (world) => {
        await world.launch();
        world.clock.now += 7000;
        return request({
          method: "POST",
          path: studyPath(world, "/stop"),
          check: async () => {
            await settleDown(world);
            expect(world.batch.alive()).toEqual([]);
            expect((await readStudy(world)).trials).toMatchObject({ queued: 2, running: 0 });
            const { head, trials } = await world.snapshot();
            expect(head.started).toBe(false);
            expect(head.gpuSeconds).toBe(trials.reduce((sum, { seconds }) => sum + seconds, 0));
            expect(head.gpuSeconds).toBeGreaterThanOrEqual(14);
            expect(trials.every(({ lost }) => lost === 0)).toBe(true);
          },
        });
      },
    },
    "draining what runs": {
      study: batch,
      prepare: async (world) => {
        await world.launch();
        return request({
          method: "POST",
          path: studyPath(world, "/stop"),
          body: { drain: true },
          check: async () => {
            await settleDown(world);
            expect(world.batch.alive()).toHaveLength(2);
            expect((await readStudy(world)).trials).toMatchObject({ queued: 0, running: 2 });
          },
        });
      },
    },
    "a study in rounds": {
      study: rounds,
      prepare: async (world) => {
        await openRounds(world);
        return request({
          method: "POST",
          path: studyPath(world, "/stop"),
          check: async () => {
            await settleDown(world);
            expect(world.batch.alive()).toEqual([]);
            expect([...world.rounds.executions.values()]).toEqual(["ended"]);
            expect((await readStudy(world)).trials).toMatchObject({ queued: 3, running: 0 });
          },
        });
      },
    },
  },

  deleteTeam: {
    "a team with a study, a token and an audit trail": {
      prepare: async (world) => {
        const team = "doomed-team";
        const caller = { ...owner, team };
        await createTeam(world.deps, team);
        const call = gateway(world.process());
        const send = (path: string, body: object) =>
          call(`POST`, `/v1/teams/${team}${path}`, { caller, body, headers: { "idempotency-key": path } });
        await send("/tokens", { name: "ci-runner", role: "viewer" });
        await send("/studies", studyBody({ name: "doomed" }));
        return request({
          method: "DELETE",
          path: "/team",
          team,
          caller,
          body: { confirm: team },
          repeatRefused: "not-found",
          check: async () => {
            await expect(createTeam(world.process(), team)).rejects.toThrow("is being deleted");
            await settleDown(world);
            expect(itemsOf(world).filter((item) => item.includes("doomed"))).toEqual([]);
            await createTeam(world.process(), team);
          },
        });
      },
    },
  },

  exportAudit: {
    "a month": {
      study: client,
      prepare: async (world) => {
        await write(world, "PATCH", studyPath(world), { state: "paused" });
        const month = new Date(world.clock.now).toISOString().slice(0, 7);
        return request({
          method: "POST",
          path: "/audit/export",
          body: { month },
          check: async ({ answer }) => {
            const { key, cursor } = answer.body as AuditExport;
            expect(cursor).toBeNull();
            const lines = world.checkpoints.texts.get(key)?.trim().split("\n") ?? [];
            expect(lines.map((line) => JSON.parse(line).route)).toEqual(["patchStudy"]);
          },
        });
      },
    },
  },

  createCredentials: {
    "for a study": {
      prepare: async (world) =>
        request({
          method: "POST",
          path: studyPath(world, "/credentials"),
          body: { seconds: 900 },
          check: async ({ answer }) => {
            const { id, secretAccessKey } = answer.body as Credentials;
            const items = itemsOf(world);
            // One that was stored before a lost answer ends by itself: nobody has its secrets.
            expect(items.filter((item) => item.includes(`SESSION#${id}`))).toHaveLength(1);
            expect(items.filter((item) => item.includes(secretAccessKey))).toEqual([]);
          },
        }),
    },
  },
  createToken: {
    "a token": {
      prepare: async (world) => {
        await createTeam(world.deps, TEAM);
        return request({
          method: "POST",
          path: "/tokens",
          body: { name: "ci-runner", role: "viewer" },
          repeatRefused: "shown-once",
          check: async (visit) => {
            const { tokens } = await read<TokenPage>(world, "/tokens");
            expect(tokens.length).toBeGreaterThan(0);
            expect(tokens.length).toBeLessThanOrEqual(atMost(visit));
            if (visit.answer.status >= 300) return;
            const { id, token } = visit.answer.body as CreatedToken;
            expect(tokens.map((each) => each.id)).toContain(id);
            const reply = await gateway(world.process())("GET", `${base}${studyPath(world)}`, { token });
            expect(reply.status).toBe(200);
          },
        });
      },
    },
  },

  patchBudget: {
    "a limit beside another": {
      prepare: async (world) => {
        await write(world, "PATCH", "/budget", { trials: 100 });
        return request({
          method: "PATCH",
          path: "/budget",
          body: { dollars: 20 },
          check: async () => {
            const { limits } = await read<TeamBudget>(world, "/budget");
            expect(limits).toEqual({ trials: 100, dollars: 20 });
          },
        });
      },
    },
  },

  deleteToken: {
    "a token": {
      prepare: async (world) => {
        await createTeam(world.deps, TEAM);
        const untouched = lasting(itemsOf(world));
        const body = { name: "ci-runner", role: "viewer" };
        const { id, token } = await write<CreatedToken>(world, "POST", "/tokens", body);
        return request({
          method: "DELETE",
          path: `/tokens/${id}`,
          repeatRefused: "not-found",
          check: async () => {
            expect(lasting(itemsOf(world))).toEqual(untouched);
            const reply = await gateway(world.process())("GET", `${base}${studyPath(world)}`, { token });
            expect(reply.status).toBe(401);
          },
        });
      },
    },
    "a token with grants": {
      prepare: async (world) => {
        await createTeam(world.deps, TEAM);
        const { id, body } = await grantable(world);
        const untouched = lasting(itemsOf(world)).filter((item) => !item.includes(id));
        await write<Grant>(world, "POST", "/grants", { ...body, study: null });
        await write<Grant>(world, "POST", "/grants", body);
        return request({
          method: "DELETE",
          path: `/tokens/${id}`,
          repeatRefused: "not-found",
          check: async () => expect(lasting(itemsOf(world))).toEqual(untouched),
        });
      },
    },
  },

  rotateToken: {
    "a token": {
      prepare: async (world) => {
        await createTeam(world.deps, TEAM);
        const { id, token: former } = await write<CreatedToken>(world, "POST", "/tokens", viewer);
        return request({
          method: "POST",
          path: `/tokens/${id}/rotate`,
          body: {},
          // Without a key a second rotation would make a third secret; with one the first secret is not shown again.
          repeatRefused: ["shown-once", "conflict"],
          check: async (visit) => {
            const { tokens } = await read<TokenPage>(world, "/tokens");
            expect(tokens).toMatchObject([{ id, formerExpires: expect.any(String) }]);
            expect(await statusWith(world, former)).toBe(200);
            if (visit.answer.status >= 300) return;
            expect(await statusWith(world, (visit.answer.body as CreatedToken).token)).toBe(200);
          },
        });
      },
    },
  },

  putMember: {
    "a new member who owns the team": {
      prepare: async (world) => {
        await createTeam(world.deps, TEAM);
        return request({
          method: "POST",
          path: "/members",
          body: { name: "ann", role: "owner" },
          check: () => expectOwners(world, ["ann"]),
        });
      },
    },
    "another role": {
      prepare: async (world) => {
        await createTeam(world.deps, TEAM);
        for (const name of ["ann", "ben"])
          await write<Member>(world, "POST", "/members", { name, role: "owner" });
        return request({
          method: "POST",
          path: "/members",
          body: { name: "ann", role: "viewer" },
          check: () => expectOwners(world, ["ben"]),
        });
      },
    },
  },

  deleteMember: {
    "an owner with tokens and grants": {
      prepare: async (world) => {
        await createTeam(world.deps, TEAM);
        for (const name of ["ann", "ben"])
          await write<Member>(world, "POST", "/members", { name, role: "owner" });
        const untouched = lasting(itemsOf(world)).filter((item) => !item.includes("MEMBER#ann"));
        const made = await Promise.all(
          [1, 2].map(() => write<CreatedToken>(world, "POST", "/tokens", { name: "hers", member: "ann" })),
        );
        const body = { principal: { member: "ann" }, study: world.study.id, role: "editor" };
        await write<Grant>(world, "POST", "/grants", body);
        return request({
          method: "DELETE",
          path: "/members/ann",
          repeatRefused: "not-found",
          check: async () => {
            const withOneOwner = untouched.map((item) =>
              item.replace('"owners":{"N":"2"}', '"owners":{"N":"1"}'),
            );
            expect(lasting(itemsOf(world))).toEqual(withOneOwner.sort());
            for (const { token } of made) expect(await statusWith(world, token)).toBe(401);
            await expectOwners(world, ["ben"]);
          },
        });
      },
    },
  },

  createGrant: {
    "a grant for a token": {
      prepare: async (world) => {
        await createTeam(world.deps, TEAM);
        const { body } = await grantable(world);
        return request({ method: "POST", path: "/grants", body, check: () => expectGrants(world, 1) });
      },
    },
    "a grant for a member": {
      prepare: async (world) => {
        await createTeam(world.deps, TEAM);
        await write<Member>(world, "POST", "/members", { name: "ann" });
        const body = { principal: { member: "ann" }, study: null, role: "viewer" };
        return request({ method: "POST", path: "/grants", body, check: () => expectGrants(world, 1) });
      },
    },
  },

  deleteGrant: {
    "a grant for a token": {
      prepare: async (world) => {
        await createTeam(world.deps, TEAM);
        const { body } = await grantable(world);
        const { grant } = await write<Grant>(world, "POST", "/grants", body);
        return request({
          method: "DELETE",
          path: `/grants/${grant}`,
          repeatRefused: "not-found",
          check: () => expectGrants(world, 0),
        });
      },
    },
  },
};

const viewer = { name: "ci-runner", role: "viewer" };

/** A token without rights, and a grant that would give it some. */
const grantable = async (world: CrashWorld) => {
  const { id } = await write<CreatedToken>(world, "POST", "/tokens", { name: "ci-runner", role: null });
  return { id, body: { principal: { token: id }, study: world.study.id, role: "worker" } };
};

const statusWith = async (world: CrashWorld, token: string): Promise<number> =>
  (await gateway(world.process())("GET", `${base}${studyPath(world)}`, { token })).status;

/** Who owns the team, and that the team counts as many: the last cannot leave. */
const expectOwners = async (world: CrashWorld, names: readonly string[]): Promise<void> => {
  const { members } = await read<MemberPage>(world, "/members");
  expect(members.filter(({ role }) => role === "owner").map(({ name }) => name)).toEqual(names);
  expect(await world.deps.store.get(teamKey(TEAM))).toMatchObject({ owners: names.length });
};

/** How many grants there are, and that the tokens that they name count as many. */
const expectGrants = async (world: CrashWorld, count: number): Promise<void> => {
  const { grants } = await read<GrantPage>(world, "/grants");
  expect(grants).toHaveLength(count);
  const { tokens } = await read<TokenPage>(world, "/tokens");
  for (const { id } of tokens)
    expect(await findToken(world.deps.store, TEAM, id)).toMatchObject({ grants: count });
};

export const refusedAsStale = async (world: CrashWorld, number: number, attempt: number): Promise<void> => {
  const body = { attempt, values: { accuracy: 1 } };
  const reply = await ask<{ type: string }>(
    gateway(world.process()),
    "POST",
    studyPath(world, `/trials/${number}/tell`),
    body,
  );
  expect([reply.status, reply.body.type]).toEqual([409, "stale-attempt"]);
};

const imports = async (world: CrashWorld, count: number): Promise<Act> =>
  request({
    method: "POST",
    path: studyPath(world, "/trials"),
    body: { trials: finished(count) },
    check: async (visit) => {
      const trials = await readTrials(world);
      expect(trials.length % count).toBe(0);
      expect(trials.length).toBeGreaterThan(0);
      expect(trials.length / count).toBeLessThanOrEqual(atMost(visit));
      expect(await lease(world)).toHaveLength(1);
    },
  });

/** After at most two more asks the tail is folded and swept, and every trial is there once. */
const expectFolded = async (world: CrashWorld): Promise<void> => {
  for (let i = 0; i < 2; i++) await lease(world, { worker: `w${i + 2}` });
  expect((await readStudy(world)).trials.completed).toBe(TAIL);
  const { tail, segments } = await packed(world);
  expect(segments).toBe(1);
  expect(tail).toBe(KEEP);
};

/** How the finished trials of a study are kept. */
const packed = async (world: CrashWorld) => {
  const { head, trials } = await world.snapshot();
  return { segments: head.segments, tail: trials.filter(({ state }) => state === "completed").length };
};
