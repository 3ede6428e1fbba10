import type { Context, SQSEvent, SQSRecord } from "aws-lambda";
import { expect } from "vitest";
import { createDispatcher } from "../../functions/dispatcher/index.ts";
import { createEvents } from "../../functions/events/index.ts";
import { createReconciler } from "../../functions/reconciler/index.ts";
import { createRounds } from "../../functions/rounds/index.ts";
import type { LambdaName } from "../../infra/bundles.ts";
import { secondsRun } from "../../shared/executor/batch/ending.ts";
import type { BatchJob } from "../../shared/schemas/batch-event.ts";
import type { DispatchMessage } from "../../shared/schemas/message.ts";
import type {
  ClosedRung,
  ListedTrials,
  OpenedFold,
  OpenedRung,
  OpenedWave,
  PlannedBrackets,
  PlannedFolds,
  RoundsRequest,
} from "../../shared/schemas/rounds.ts";
import type { CreateStudyBody, Study } from "../../shared/schemas/study.ts";
import { createTeam } from "../../shared/service/access/teams.ts";
import type { ApiDeps } from "../../shared/service/core/deps.ts";
import { openFold } from "../../shared/service/rounds/folds.ts";
import { BRACKETS_PER_EXECUTION } from "../../shared/service/rounds/plan.ts";
import { openWave, WAVES_PER_EXECUTION } from "../../shared/service/rounds/waves.ts";
import { batchExecution } from "./batch.ts";
import { callerAs } from "./callers.ts";
import type { Act, CrashWorld, Scenario, Visit } from "./crash-points.ts";
import {
  batch,
  client,
  lease,
  OVER,
  openRounds,
  readStudy,
  readTrial,
  readTrials,
  rounds,
  settleDown,
  single,
  studyPath,
  twice,
  write,
} from "./crash-scenarios.ts";
import { injectFaults } from "./faults.ts";
import { gateway } from "./gateway.ts";
import { Machine } from "./machine.ts";
import { TEAM } from "./service.ts";
import { sweepSteps } from "./sweep-scenarios.ts";

/**
 * What no client asks for: messages, events, the schedule, the state machine, `hone admin`. Whoever sends them sends them
 * again until the Lambda has ended without an error, and now and then once more.
 */
type StepLambda = Exclude<LambdaName, "api" | "authorizer">;

interface StepAct {
  /** One try; it fails by throwing, or by answering `again`. */
  readonly run: (deps: ApiDeps) => Promise<unknown>;
  readonly check: (visit: Visit) => Promise<void>;
}

const AGAIN = "again";

const step = ({ run, check }: StepAct): Act => ({
  send: async (deps) => {
    try {
      const body = await run(deps);
      return { status: body === AGAIN ? 503 : 200, body };
    } catch (error) {
      if ((error as { type?: string }).type === undefined && !isTransient(error)) throw error;
      return { status: 503, body: String(error) };
    }
  },
  isAnswer: ({ status }) => status === 200,
  check: async (visit) => {
    expect((await visit.repeat()).status).toBe(200);
    await check(visit);
  },
});

const isTransient = (error: unknown): boolean =>
  error instanceof Error && error.name === "ThrottlingException";

/** The dispatcher gets the messages that are in the queue; it must in the end want none of them again. */
const dispatching = (world: CrashWorld, check: StepAct["check"]): Act => {
  const messages: readonly DispatchMessage[] = world.queue.take();
  expect(messages.length).toBeGreaterThan(0);
  const records = messages.map((message, i) => ({ messageId: String(i), body: JSON.stringify(message) }));
  const event: SQSEvent = { Records: records.map((record) => record as SQSRecord) };
  return step({
    run: async (deps) => {
      const { batchItemFailures } = await createDispatcher(() => deps)(event);
      return batchItemFailures.length > 0 ? AGAIN : "done";
    },
    check,
  });
};

const eventOf = (job: BatchJob, check: StepAct["check"]): Act => {
  const event = { "detail-type": "Batch Job State Change", detail: { ...job } };
  return step({ run: (deps) => createEvents(() => deps)(event), check });
};

/** A round of the reconciler that met a fault is no failure of the Lambda: the next one goes on. */
const reconciling = (check: StepAct["check"]): Act =>
  step({
    run: (deps) => createReconciler(() => deps)({}, { getRemainingTimeInMillis: () => 600_000 } as Context),
    check: async (visit) => {
      await settleDown(visit.world);
      await check(visit);
    },
  });

/** A step of the state machines, without where it is. */
type RoundsStep =
  | { readonly action: "plan"; readonly begun: number }
  | { readonly action: "open"; readonly rung: number; readonly parallel: number }
  | { readonly action: "list"; readonly rung: number; readonly chunk: number; readonly of: number }
  | { readonly action: "close"; readonly rung: number };

const roundsOf = <T>(
  world: CrashWorld,
  request: RoundsStep,
  check: (reply: T, visit: Visit) => Promise<void>,
): Act =>
  step({
    run: (deps) => createRounds(() => deps)({ ...address(world), ...request }),
    check: (visit) => check(visit.answer.body as T, visit),
  });

/** A step of the machines of nested cross-validation, or of generations. */
type WholeStep =
  | { readonly action: "folds" }
  | { readonly action: "fold"; readonly fold: number }
  | { readonly action: "wave"; readonly begun: number }
  | { readonly action: "wave-list"; readonly chunk: number; readonly of: number };

const wholeOf = <T>(
  world: CrashWorld,
  request: WholeStep,
  check: (reply: T, visit: Visit) => Promise<void>,
): Act =>
  step({
    run: (deps) => createRounds(() => deps)({ study: world.study.id, generation: 1, ...request }),
    check: (visit) => check(visit.answer.body as T, visit),
  });

/** A population of three, as a batch study. */
const inGenerations: Partial<CreateStudyBody> = {
  executor: batchExecution,
  algorithm: { name: "pbt", population: 3 },
  scheduler: { name: "segments", type: "synchronous", resource: { name: "epoch", min: 1, max: 3 } },
  budget: { trials: 9, parallel: 2 },
};

/** Nested cross-validation of two outer folds, as a batch study. */
const nestedRounds: Partial<CreateStudyBody> = {
  executor: batchExecution,
  budget: { trials: 2, parallel: 2 },
  evaluation: {
    type: "nested-cv",
    samples: 60,
    outer: { folds: 2, kind: "plain" },
    inner: { folds: 2, together: true },
  },
};

/** The reconciler, which comes in between, lets the first fold go on as well. */
const numbersOfSecondFold = async (world: CrashWorld): Promise<number[]> =>
  (await readTrials(world)).map(({ number }) => number).filter((number) => number % 2 === 1);

const address = (world: CrashWorld) => ({ study: world.study.id, generation: 1, bracket: 0 });

/** Every trial of a rung runs to a result: the higher its number, the better. */
const runRung = async (world: CrashWorld): Promise<void> => {
  for (const { number, state } of await readTrials(world)) {
    if (state !== "running") continue;
    const job = world.batch.of(number);
    await world.tell(number, number / 10);
    world.batch.succeed(job);
  }
};

/** The top rung, with the trial that was promoted to it. */
const openTop = async (world: CrashWorld): Promise<void> => {
  const machine = await openRounds(world);
  await runRung(world);
  await machine.close(0);
  machine.send((await machine.open(1)).trials);
  await world.deliver();
};

const seconds = async (world: CrashWorld) => (await world.snapshot()).head.gpuSeconds;

export const stepScenarios: {
  readonly [N in Exclude<StepLambda, "rounds">]: Readonly<Record<string, Scenario>>;
} & { readonly [A in `rounds: ${RoundsRequest["action"]}`]: Readonly<Record<string, Scenario>> } & {
  readonly admin: Readonly<Record<string, Scenario>>;
  readonly reads: Readonly<Record<string, Scenario>>;
} = {
  dispatcher: {
    "two attempts": {
      study: batch,
      prepare: async (world) => {
        await world.start();
        return dispatching(world, async () => {
          await settleDown(world);
          await world.deliver();
          const { trials } = await world.snapshot();
          expect(trials.map(({ state }) => state)).toEqual(["running", "running"]);
          // One job for each attempt that runs; what was submitted for a lost one has ended.
          expect(world.batch.alive()).toHaveLength(2);
          for (const { number, attempt } of trials) {
            expect(world.batch.alive()).toContain(world.batch.of(number, attempt));
          }
        });
      },
    },
    "an attempt with the last of the money": {
      study: { ...batch, budget: { trials: 4, parallel: 2, gpuHours: 1 } },
      prepare: async (world) => {
        await world.start();
        return dispatching(world, async () => {
          await settleDown(world);
          await world.deliver();
          expect(world.batch.alive()).toHaveLength(1);
        });
      },
    },
    "an attempt that a machine waits for": {
      study: rounds,
      prepare: async (world) => {
        await world.start();
        const machine = new Machine(world);
        const [token] = machine.send((await machine.open(0)).trials.slice(0, 1));
        return dispatching(world, async () => {
          await settleDown(world);
          await world.deliver();
          expect(world.batch.alive()).toHaveLength(1);
          const { job, attempt } = await world.trial(0);
          expect(job?.taskTokens).toEqual([token]);
          // Its end answers the machine.
          world.batch.run(world.batch.of(0, attempt));
          await world.finish(0, 0.5, attempt);
          expect([...world.rounds.waiting]).toEqual([]);
        });
      },
    },
  },

  sweep: sweepSteps(step),

  events: {
    "the end of a job without a result": {
      study: batch,
      prepare: async (world) => {
        await world.launch();
        world.clock.now += 7000;
        return eventOf(world.batch.fail(world.batch.of(0), { exitCode: 3 }), async () => {
          await settleDown(world);
          expect(await world.trial(0)).toMatchObject({ state: "failed", reason: "exit code 3", seconds: 7 });
          expect(await seconds(world)).toBe(7);
          const { trials } = await readStudy(world);
          expect(trials.queued + trials.running).toBe(2);
        });
      },
    },
    "an interrupted attempt, of which there is one more": {
      study: batch,
      prepare: async (world) => {
        await world.launch();
        world.clock.now += 7000;
        const job = world.batch.fail(world.batch.of(0), {
          statusReason: "Host EC2 (instance i-1) terminated.",
        });
        return eventOf(job, async () => {
          await settleDown(world);
          const trial = await world.trial(0);
          expect(trial).toMatchObject({ state: "queued", attempt: 2, lost: 1, seconds: 7 });
          expect(await seconds(world)).toBe(7);
        });
      },
    },
    "the last attempt, interrupted": {
      study: { ...batch, lease: { seconds: 3600, maxAttempts: 1 } },
      prepare: async (world) => {
        await world.launch();
        world.clock.now += 7000;
        const job = world.batch.fail(world.batch.of(0), {
          statusReason: "Host EC2 (instance i-1) terminated.",
        });
        return eventOf(job, async () => {
          await settleDown(world);
          // A lost attempt costs what it used, the last one too.
          expect(await world.trial(0)).toMatchObject({ state: "failed", attempt: 1, seconds: 7 });
          expect(await seconds(world)).toBe(7);
          const { attempts } = await readTrial(world, 0);
          expect(attempts).toMatchObject([{ attempt: 1, end: "interrupted" }]);
        });
      },
    },
    "a job that ended after its result, whose tell died before what follows": {
      study: batch,
      prepare: async (world) => {
        await world.launch();
        let isTold = false;
        const restore = injectFaults(world.client, (command) => {
          if (isTold) return "crash-before";
          isTold = command === "TransactWriteItemsCommand" || command === "UpdateItemCommand";
          return "none";
        });
        await world.tellOnly(0, 0.5);
        restore();
        expect((await readStudy(world)).trials).toMatchObject({ completed: 1, queued: 0, running: 1 });
        return eventOf(world.batch.succeed(world.batch.of(0)), async () => {
          await settleDown(world);
          expect(await world.trial(0)).toMatchObject({ state: "completed", values: { accuracy: 0.5 } });
          const { trials } = await readStudy(world);
          expect(trials.queued + trials.running).toBe(2);
        });
      },
    },
  },

  reconciler: {
    "a container that gave no sign of life": {
      study: { ...batch, ...twice },
      prepare: async (world) => {
        await world.launch();
        world.clock.now += OVER;
        return reconciling(async () => {
          const { trials } = await world.snapshot();
          for (const trial of trials) {
            expect(trial).toMatchObject({ attempt: 2, lost: 1, seconds: 61 });
            expect(trial.attempts).toMatchObject([{ attempt: 1, end: "expired" }]);
          }
          expect(await seconds(world)).toBe(122);
          expect(world.batch.alive()).toEqual([]);
        });
      },
    },
    "a container that gave no sign of life on its last attempt": {
      study: { ...batch, ...single, budget: { trials: 2, parallel: 2 } },
      prepare: async (world) => {
        await world.launch();
        world.clock.now += OVER;
        return reconciling(async () => {
          const { trials } = await world.snapshot();
          // A job whose end was lost is ended with the next round: all that it ran is charged, once.
          const ran = world.batch.jobs.map((job) => secondsRun(job, world.clock.now));
          for (const trial of trials)
            expect(trial).toMatchObject({ state: "failed", seconds: ran[trial.number] });
          expect(await seconds(world)).toBe(ran.reduce((sum, each) => sum + each, 0));
          expect(world.batch.alive()).toEqual([]);
          expect(await readStudy(world)).toMatchObject({ state: "finished" });
          expect([...world.batch.definitions]).toEqual([]);
        });
      },
    },
    "attempts whose submission nobody heard of": {
      study: batch,
      prepare: async (world) => {
        await world.start();
        world.batch.faults = ["unheard", "lost"];
        await world.deliver();
        world.clock.now += OVER;
        return reconciling(async () => {
          const [adopted, lost] = await readTrials(world);
          expect(adopted).toMatchObject({ state: "running", attempt: 1 });
          expect(lost).toMatchObject({ state: "queued", attempt: 2 });
          expect(world.queue.messages).toContainEqual(expect.objectContaining({ trial: 1, attempt: 2 }));
        });
      },
    },
    "the end of a finished study": {
      study: { ...batch, budget: { trials: 2, parallel: 2 } },
      prepare: async (world) => {
        await world.launch();
        await runRung(world);
        return reconciling(async () => {
          expect(await readStudy(world)).toMatchObject({ state: "finished" });
          expect([...world.batch.definitions]).toEqual([]);
          expect((await world.snapshot()).head).toMatchObject({
            started: false,
            definition: "",
            retired: "",
          });
        });
      },
    },
    "a machine whose start was lost": {
      study: rounds,
      prepare: async (world) => {
        await world.start();
        world.rounds.executions.clear();
        return reconciling(async () => {
          expect([...world.rounds.executions]).toEqual([[`${world.study.id}-1`, "running"]]);
        });
      },
    },
    "a job that nobody waits for": {
      study: batch,
      prepare: async (world) => {
        await world.launch();
        await world.batch.submit({
          team: TEAM,
          study: "gone-abcdef",
          trial: 0,
          attempt: 1,
          definition: [...world.batch.definitions][0] ?? "",
          gpus: 1,
          market: "spot",
          labels: {},
          environment: {},
        });
        expect(world.batch.alive()).toHaveLength(3);
        return reconciling(async () => expect(world.batch.alive()).toHaveLength(2));
      },
    },
  },

  "rounds: plan": {
    "the first brackets": {
      study: rounds,
      prepare: async (world) => {
        await world.start();
        return roundsOf<PlannedBrackets>(world, { action: "plan", begun: 0 }, async ({ brackets, done }) => {
          expect(done).toBe(false);
          expect(brackets.map(({ bracket }) => bracket)).toEqual([0]);
          expect(await readTrials(world)).toHaveLength(3);
        });
      },
    },
    "a study of many brackets, which another execution takes over": {
      study: rounds,
      prepare: async (world) => {
        await world.start();
        const request = { action: "plan", begun: BRACKETS_PER_EXECUTION } as const;
        return roundsOf<PlannedBrackets>(world, request, async ({ brackets, done }) => {
          expect({ brackets, done }).toEqual({ brackets: [], done: true });
          await settleDown(world);
          expect((await world.snapshot()).head).toMatchObject({ started: true, generation: 2 });
          expect(world.rounds.executions.get(`${world.study.id}-2`)).toBe("running");
        });
      },
    },
  },

  "rounds: wave": {
    "the first generation": {
      study: inGenerations,
      prepare: async (world) => {
        await world.start();
        return wholeOf<OpenedWave>(world, { action: "wave", begun: 0 }, async ({ chunks, done }) => {
          expect({ chunks, done }).toEqual({ chunks: [{ chunk: 0, of: 1, parallel: 2 }], done: false });
          expect(await readTrials(world)).toHaveLength(3);
        });
      },
    },
    "a study of many generations, which another execution takes over": {
      study: inGenerations,
      prepare: async (world) => {
        await world.start();
        const request = { action: "wave", begun: WAVES_PER_EXECUTION } as const;
        return wholeOf<OpenedWave>(world, request, async ({ chunks, done }) => {
          expect({ chunks, done }).toEqual({ chunks: [], done: true });
          await settleDown(world);
          expect((await world.snapshot()).head).toMatchObject({ started: true, generation: 2 });
          expect(world.rounds.executions.get(`${world.study.id}-2`)).toBe("running");
        });
      },
    },
  },

  "rounds: wave-list": {
    "the segments of a part": {
      study: inGenerations,
      prepare: async (world) => {
        await world.start();
        await openWave(world.deps, { study: world.study.id, generation: 1 }, 0);
        const request = { action: "wave-list", chunk: 1, of: 2 } as const;
        return wholeOf<ListedTrials>(world, request, async ({ trials }) => {
          expect(trials).toEqual([{ trial: 1, attempt: 1 }]);
        });
      },
    },
  },

  "rounds: folds": {
    "the outer folds of nested cross-validation": {
      study: nestedRounds,
      prepare: async (world) => {
        await world.start();
        return wholeOf<PlannedFolds>(world, { action: "folds" }, async ({ folds }) => {
          expect(folds.map(({ fold }) => fold)).toEqual([0, 1]);
        });
      },
    },
  },

  "rounds: fold": {
    "the search": {
      study: nestedRounds,
      prepare: async (world) => {
        await world.start();
        return wholeOf<OpenedFold>(world, { action: "fold", fold: 1 }, async ({ next, part }) => {
          expect({ next, part }).toEqual({ next: "wait", part: `${world.study.id}.1` });
          await settleDown(world);
          expect(await numbersOfSecondFold(world)).toEqual([1, 5]);
        });
      },
    },
    "the refit of the winner": {
      study: nestedRounds,
      prepare: async (world) => {
        await world.start();
        await openFold(world.deps, { study: world.study.id, generation: 1, fold: 1 });
        await world.deliver();
        for (const number of [1, 5]) await world.finish(number, number / 10);
        return wholeOf<OpenedFold>(world, { action: "fold", fold: 1 }, async ({ next, part }) => {
          expect({ next, part }).toEqual({ next: "wait", part: `${world.study.id}.3` });
          await settleDown(world);
          expect(await numbersOfSecondFold(world)).toEqual([1, 3, 5]);
        });
      },
    },
  },

  "rounds: open": {
    "the bottom": {
      study: rounds,
      prepare: async (world) => {
        await world.start();
        await new Machine(world).plan();
        const request = { action: "open", rung: 0, parallel: 3 } as const;
        return roundsOf<OpenedRung>(world, request, async ({ chunks, done }) => {
          expect(done).toBe(false);
          expect(chunks).toEqual([{ chunk: 0, of: 1, parallel: 3 }]);
          expect(await readTrials(world)).toHaveLength(3);
        });
      },
    },
    "the next one": {
      study: rounds,
      prepare: async (world) => {
        const machine = await openRounds(world);
        await runRung(world);
        await machine.close(0);
        const request = { action: "open", rung: 1, parallel: 3 } as const;
        return roundsOf<OpenedRung>(world, request, async ({ chunks, done }) => {
          expect(done).toBe(false);
          expect(chunks).toEqual([{ chunk: 0, of: 1, parallel: 1 }]);
          await expectStates(world, ["paused", "paused", "queued"]);
        });
      },
    },
  },

  "rounds: list": {
    "the trials of a part": {
      study: rounds,
      prepare: async (world) => {
        await world.start();
        await new Machine(world).open(0);
        const request = { action: "list", rung: 0, chunk: 1, of: 2 } as const;
        return roundsOf<ListedTrials>(world, request, async ({ trials }) => {
          expect(trials).toEqual([{ trial: 1, attempt: 1 }]);
        });
      },
    },
  },

  "rounds: close": {
    "the bottom": {
      study: rounds,
      prepare: async (world) => {
        await openRounds(world);
        await runRung(world);
        return roundsOf<ClosedRung>(world, { action: "close", rung: 0 }, async (closed) => {
          expect(closed).toEqual({ rung: 1, done: false });
          await expectStates(world, ["paused", "paused", "paused"]);
        });
      },
    },
    "the next one, to which a trial has come": {
      study: rounds,
      prepare: async (world) => {
        await openTop(world);
        await world.finish(2, 0.9, 2);
        return roundsOf<ClosedRung>(world, { action: "close", rung: 1 }, async (closed) => {
          expect(closed).toEqual({ rung: 2, done: true });
          await expectStates(world, ["pruned", "pruned", "completed"]);
        });
      },
    },
    "the next one, to which none has come": {
      study: rounds,
      prepare: async (world) => {
        await openTop(world);
        await world.settle(world.batch.fail(world.batch.run(world.batch.of(2, 2)), { exitCode: 1 }));
        return roundsOf<ClosedRung>(world, { action: "close", rung: 1 }, async (closed) => {
          expect(closed).toEqual({ rung: 1, done: false });
          await expectStates(world, ["paused", "paused", "failed"]);
          expect((await new Machine(world).open(1)).trials).toEqual([{ trial: 1, attempt: 2 }]);
        });
      },
    },
  },

  "rounds: fail": {
    "a machine that gave up": {
      study: rounds,
      prepare: async (world) => {
        await openRounds(world);
        return step({
          run: (deps) =>
            createRounds(() => deps)({ action: "fail", rung: 0, reason: "time-out", ...address(world) }),
          check: async () => {
            await settleDown(world);
            const { head } = await world.snapshot();
            expect(head).toMatchObject({ started: false, notice: { kind: "rounds-failed", rung: 0 } });
            expect(world.batch.alive()).toEqual([]);
          },
        });
      },
    },
  },

  reads: {
    "of a study whose last attempts have expired": {
      study: { ...client, ...single },
      prepare: async (world) => {
        await lease(world, { count: 2 });
        world.clock.now += OVER;
        return step({
          run: async (deps) => {
            const { status, body } = await gateway(deps)<Study>(
              "GET",
              `/v1/teams/${TEAM}${studyPath(world)}`,
              {
                caller: callerAs("viewer"),
              },
            );
            return status >= 500 ? AGAIN : body;
          },
          check: async ({ answer }) => {
            expect((answer.body as Study).trials).toMatchObject({ failed: 2, running: 0 });
            for (const number of [0, 1]) {
              const { attempts } = await readTrial(world, number);
              expect(attempts).toMatchObject([{ attempt: 1, end: "expired" }]);
            }
          },
        });
      },
    },
  },

  admin: {
    "a team": {
      prepare: async (world) =>
        step({
          run: async (deps) => {
            try {
              return await createTeam(deps, TEAM);
            } catch (error) {
              // Told, or the team of an earlier try whose answer was lost.
              if ((error as { type?: string }).type === "conflict") return "exists";
              throw error;
            }
          },
          check: async () => {
            await write(world, "POST", "/tokens", { name: "ci-runner", role: "worker" });
          },
        }),
    },
  },
};

const expectStates = async (world: CrashWorld, states: readonly string[]): Promise<void> =>
  expect((await readTrials(world)).map(({ state }) => state)).toEqual(states);
