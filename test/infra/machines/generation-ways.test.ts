import { describe, expect, test } from "vitest";
import { createRounds } from "../../../functions/rounds/index.ts";
import { generations } from "../../../infra/machines/generations.ts";
import { DispatchMessage } from "../../../shared/schemas/message.ts";
import { stopStudy } from "../../../shared/service/batch/stop.ts";
import { listWave, openWave, WAVES_PER_EXECUTION } from "../../../shared/service/rounds/waves.ts";
import { patchStudy } from "../../../shared/service/studies/patch.ts";
import { readStudy } from "../../../shared/service/studies/read.ts";
import { tellTrial } from "../../../shared/service/trials/tell.ts";
import { halvingScheduler, type MemoryWorld, memoryWorld } from "../../support/batch.ts";
import { noReceipt } from "../../support/service.ts";
import {
  contextOf,
  type Definition,
  execute,
  type Fault,
  missedWays,
  StatesError,
  type Task,
} from "../../support/states.ts";

/** The machine of generations as it is deployed, with the Lambda that serves it: every way is taken. */

const parts = { rounds: "arn:rounds", queue: "https://queue" };
const machine = generations(parts) as unknown as Definition;
const visited = new Set<string>();

const POPULATION = 3;
const GENERATIONS = 3;

const makeWorld = async (trials = POPULATION * GENERATIONS, parallel = 2) => {
  const world = await memoryWorld({
    algorithm: { name: "pbt", population: POPULATION, seed: 1 },
    scheduler: { name: "segments", type: "synchronous", resource: { name: "epoch", min: 2, max: 6 } },
    budget: { trials, parallel },
  });
  await world.start();
  return world;
};

interface Run {
  readonly world: MemoryWorld;
  readonly fault?: Fault;
  readonly before?: (task: Task) => Promise<void>;
  readonly atOnce?: (state: string, items: number) => void;
  /** What becomes of a segment; a result by default. */
  readonly end?: (trial: number, attempt: number) => "result" | "interrupted" | "failed";
}

/** Runs the machine of a started study to its end. @returns the segments in the order in which they began, and the error at the end. */
const runStudy = async ({
  world,
  fault = () => undefined,
  before = async () => {},
  atOnce = () => {},
  end = () => "result",
}: Run) => {
  const rounds = createRounds(() => world.deps);
  const begun: number[] = [];
  let tokens = 0;
  const play = async (task: Task): Promise<unknown> => {
    await before(task);
    const error = fault(task);
    if (error !== undefined) throw new StatesError(error);
    if (task.resource === parts.rounds) return JSON.parse(JSON.stringify(await rounds(task.parameters)));
    const taskToken = `token-1-${tokens++}`;
    const message = DispatchMessage.parse({ ...(task.parameters.MessageBody as object), taskToken });
    begun.push(message.trial);
    world.rounds.waiting.add(taskToken);
    await world.deliver([message]);
    // Its execution is stopped with the study.
    if (!(await world.snapshot()).head.started) throw new StatesError("States.Stopped");
    for (let attempt = message.attempt; world.rounds.waiting.has(taskToken); attempt++) {
      await runSegment(world, message.trial, attempt, end(message.trial, attempt));
      await world.deliver();
    }
    return {};
  };
  const player = { visit: (way: string) => void visited.add(way), atOnce, play };
  try {
    await execute(machine, { study: world.study.id, generation: 1 }, player, contextOf("execution"));
    return { begun, error: null };
  } catch (error) {
    if (!(error instanceof StatesError)) throw error;
    return { begun, error: error.error };
  }
};

/** The later its number, the better. */
const runSegment = async (
  world: MemoryWorld,
  trial: number,
  attempt: number,
  end: "result" | "interrupted" | "failed",
) => {
  const job = world.batch.run(world.batch.of(trial, attempt));
  await world.claim(trial, attempt);
  if (end === "result") {
    const body = { attempt, values: { accuracy: trial / 100 }, checkpoint: `s3://saved/${trial}` };
    await tellTrial(world.deps, world.study, trial, body, noReceipt);
    await world.settle(world.batch.succeed(job));
    return;
  }
  const why =
    end === "interrupted" ? { statusReason: "Host EC2 (instance i-1) terminated." } : { exitCode: 1 };
  await world.settle(world.batch.fail(job, why));
};

const read = (world: MemoryWorld) => readStudy(world.deps, world.study);

test("a generation begins when the one before has ended, and each run goes on from one of its segments", async () => {
  const world = await makeWorld();
  let most = 0;
  const { begun, error } = await runStudy({
    world,
    atOnce: (state, items) => {
      if (state === "RunTrials") most = Math.max(most, items);
    },
  });
  expect(error).toBeNull();
  expect(begun.map((trial) => Math.floor(trial / POPULATION))).toEqual([0, 0, 0, 1, 1, 1, 2, 2, 2]);
  expect(most).toBe(2);
  const { trials } = await world.snapshot();
  for (const { number, rung, origin } of trials) {
    const generation = Math.floor(number / POPULATION);
    expect(rung).toBe(generation);
    if (generation === 0) expect(origin).toBeUndefined();
    else expect(Math.floor(Number(origin?.trial) / POPULATION)).toBe(generation - 1);
  }
  expect(await read(world)).toMatchObject({ state: "finished", trials: { completed: 9 } });
});

test("a study that is paused between two generations goes on when it is resumed", async () => {
  const world = await makeWorld();
  const start = { study: world.study.id, generation: 1 };
  await patchStudy(world.deps, world.study, { state: "paused" }, noReceipt);
  expect(await openWave(world.deps, start, 0)).toMatchObject({ done: false, chunks: [{ chunk: 0 }] });
  const { trials } = await listWave(world.deps, start, { chunk: 0, of: 1 });
  const wait = trials.map(({ trial, attempt }) => ({
    version: 1 as const,
    study: world.study.id,
    trial,
    attempt,
    taskToken: `token-${trial}`,
  }));
  await world.deliver(wait);
  expect(world.batch.alive()).toEqual([]);
  await patchStudy(world.deps, world.study, { state: "running" }, noReceipt);
  world.clock.now += 120_000;
  await world.reconcile();
  await world.deliver();
  expect(world.batch.alive()).toHaveLength(POPULATION);
});

test("a machine that is lost costs an attempt and no generation; a segment that fails is taken over", async () => {
  const world = await makeWorld();
  const { error } = await runStudy({
    world,
    end: (trial, attempt) => {
      if (trial === 1 && attempt === 1) return "interrupted";
      return trial === 5 ? "failed" : "result";
    },
  });
  expect(error).toBeNull();
  const { trials } = await world.snapshot();
  expect(trials[1]).toMatchObject({ state: "completed", attempt: 2 });
  expect(trials[5]).toMatchObject({ state: "failed" });
  const parents = trials.flatMap(({ origin }) => origin?.trial ?? []);
  expect(parents).not.toContain(5);
  expect(await read(world)).toMatchObject({ state: "finished" });
});

test("a study of many generations goes on in another execution, once the generation is over", async () => {
  const world = await makeWorld();
  const address = { study: world.study.id, generation: 1 };
  const opened = await openWave(world.deps, address, WAVES_PER_EXECUTION - 1);
  expect(opened).toMatchObject({ begun: WAVES_PER_EXECUTION, done: false });
  // Opened anew in the middle, it comes to its end in this execution.
  expect(await openWave(world.deps, address, WAVES_PER_EXECUTION)).toMatchObject({ done: false });
  const again = await makeWorld();
  const { id: study } = again.study;
  expect(await openWave(again.deps, { study, generation: 1 }, WAVES_PER_EXECUTION)).toMatchObject({
    done: true,
  });
  expect([...again.rounds.executions.keys()]).toEqual([`${study}-1`, `${study}-2`]);
  expect(await openWave(again.deps, { study, generation: 1 }, 0)).toMatchObject({ done: true });
});

test("a study that is finished is not handed over", async () => {
  const world = await makeWorld();
  expect((await runStudy({ world })).error).toBeNull();
  const address = { study: world.study.id, generation: 1 };
  expect(await openWave(world.deps, address, WAVES_PER_EXECUTION)).toMatchObject({ done: true });
  expect([...world.rounds.executions.keys()]).toEqual([`${world.study.id}-1`]);
});

test("a population larger than a transaction is drawn whole", async () => {
  const world = await memoryWorld({
    algorithm: { name: "pbt", population: 200, seed: 1 },
    scheduler: { name: "segments", type: "synchronous", resource: { name: "epoch", min: 2, max: 6 } },
    budget: { trials: 600, parallel: 100 },
  });
  await world.start();
  const { chunks } = await openWave(world.deps, { study: world.study.id, generation: 1 }, 0);
  expect((await world.snapshot()).trials).toHaveLength(200);
  expect(chunks.map(({ parallel }) => parallel)).toEqual([34, 33, 33]);
});

test("a stopped study goes on with what is left of its generation", async () => {
  const world = await makeWorld();
  let seen = 0;
  const before = async ({ state }: Task) => {
    if (state === "RunTrial" && ++seen === 6) await stopStudy(world.deps, world.study, {}, noReceipt);
  };
  expect((await runStudy({ world, before })).error).toBeNull();
  expect(await read(world)).toMatchObject({ started: false, state: "ready" });
  await world.start();
  const address = { study: world.study.id, generation: 2 };
  const left = (await world.snapshot()).trials.filter(({ state }) => state === "queued");
  const { chunks } = await openWave(world.deps, address, 0);
  expect(left.map(({ rung }) => rung)).toEqual(left.map(() => 1));
  expect(left.length).toBeLessThan(POPULATION);
  expect(chunks).toHaveLength(1);
  // Each in its next attempt, in one part.
  const again = left.map(({ number, attempt }) => ({ trial: number, attempt: attempt + 1 }));
  expect((await listWave(world.deps, address, { chunk: 0, of: 1 })).trials).toEqual(again);
  const inTwo = await Promise.all([0, 1].map((chunk) => listWave(world.deps, address, { chunk, of: 2 })));
  expect(inTwo.flatMap(({ trials }) => trials).sort((a, b) => a.trial - b.trial)).toEqual(again);
  // The execution of the earlier start, and one of a study that is gone, have nothing to do.
  const nothing = { trials: [], timeoutSeconds: 60 };
  expect(await listWave(world.deps, { ...address, generation: 1 }, { chunk: 0, of: 1 })).toEqual(nothing);
  expect(await listWave(world.deps, { ...address, study: "gone-abc123" }, { chunk: 0, of: 1 })).toEqual(
    nothing,
  );
});

test("a study without generations has none to open", async () => {
  const world = await memoryWorld({ scheduler: halvingScheduler });
  await world.start();
  const address = { study: world.study.id, generation: 1 };
  expect(await openWave(world.deps, address, 0)).toEqual({ chunks: [], begun: 0, done: true });
  expect((await world.snapshot()).trials).toEqual([]);
});

const tasks = ["OpenWave", "ListTrials", "RunTrial"];

test.each(tasks)("%s that fails once is done again, and the study comes to its end", async (name) => {
  const world = await makeWorld();
  let failures = 0;
  const fault: Fault = ({ state }) => (state === name && failures++ === 0 ? "States.TaskFailed" : undefined);
  expect((await runStudy({ world, fault })).error).toBeNull();
  expect(failures).toBeGreaterThan(1);
  expect(await read(world)).toMatchObject({ state: "finished" });
});

test.each(["OpenWave", "ListTrials"])(
  "%s that keeps failing stops the study, and its message says so",
  async (name) => {
    const world = await makeWorld();
    const fault: Fault = ({ state }) => (state === name ? "States.Timeout" : undefined);
    expect((await runStudy({ world, fault })).error).toBe("States.Timeout");
    expect(await read(world)).toMatchObject({
      started: false,
      message: expect.stringMatching(/^The rounds failed \(States.Timeout\)/),
    });
  },
);

test("a segment whose token is lost is left, and its generation is opened again", async () => {
  const world = await makeWorld();
  let lost = 0;
  const fault: Fault = ({ state }) => (state === "RunTrial" && lost++ < 2 ? "States.Timeout" : undefined);
  expect((await runStudy({ world, fault })).error).toBeNull();
  expect(await read(world)).toMatchObject({ state: "finished", trials: { completed: 9 } });
});

test.each([1, 100])(
  "a failure that cannot be marked %i times ends the execution all the same",
  async (times) => {
    const world = await makeWorld();
    let failures = 0;
    const fault: Fault = ({ state }) => {
      if (state === "OpenWave") return "States.Timeout";
      return state === "MarkFailed" && failures++ < times ? "States.TaskFailed" : undefined;
    };
    expect((await runStudy({ world, fault })).error).not.toBeNull();
  },
);

describe("when all of the above has run", () => {
  test("every way of the machine was visited", () => {
    expect(missedWays(machine, visited)).toEqual([]);
  });
});
