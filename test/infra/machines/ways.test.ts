import { beforeAll, describe, expect, test } from "vitest";
import { createRounds } from "../../../functions/rounds/index.ts";
import { brackets } from "../../../infra/machines/brackets.ts";
import { halving } from "../../../infra/machines/halving.ts";
import { DispatchMessage } from "../../../shared/schemas/message.ts";
import { stopStudy } from "../../../shared/service/batch/stop.ts";
import { readStudy } from "../../../shared/service/studies/read.ts";
import { type MemoryWorld, memoryWorld } from "../../support/batch.ts";
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

/** The machines as they are deployed, run with the Lambda that serves them: every state, retry and caught error is visited. */

const parts = { rounds: "arn:rounds", halving: "arn:halving", queue: "https://queue" };
const machines = {
  brackets: brackets(parts) as unknown as Definition,
  halving: halving(parts) as unknown as Definition,
};
const visited = { brackets: new Set<string>(), halving: new Set<string>() };

const hyperband = {
  name: "hyperband",
  type: "synchronous",
  resource: { name: "epoch", min: 1, max: 9 },
  eta: 3,
} as const;

/** A study of two passes: brackets of 9, 5 and 3 trials, then 9 and 2. */
const makeWorld = async (parallel = 4) => {
  const world = await memoryWorld({ scheduler: hyperband, budget: { trials: 28, parallel } });
  await world.start();
  return world;
};

interface Run {
  readonly world: MemoryWorld;
  readonly fault?: Fault;
  readonly before?: (task: Task) => Promise<void>;
  readonly atOnce?: (state: string, items: number) => void;
}

/** Runs the machine of a started study to its end. @returns the error that it ends with. */
const runStudy = async ({
  world,
  fault = () => undefined,
  before = async () => {},
  atOnce = () => {},
}: Run) => {
  const rounds = createRounds(() => world.deps);
  const names: string[] = [];
  let tokens = 0;
  const player = (machine: keyof typeof machines) => ({
    visit: (way: string) => void visited[machine].add(way),
    atOnce,
    play: async (task: Task): Promise<unknown> => {
      await before(task);
      const error = fault(task);
      if (error !== undefined) throw new StatesError(error);
      if (task.resource === parts.rounds) return JSON.parse(JSON.stringify(await rounds(task.parameters)));
      if (task.resource.includes("sqs")) return runTrial(world, task, `token-1-${tokens++}`);
      const { Name, Input } = task.parameters as { Name: string; Input: Record<string, unknown> };
      names.push(Name);
      return execute(machines.halving, Input, player("halving"), contextOf(Name));
    },
  });
  const input = { study: world.study.id, generation: 1 };
  try {
    await execute(machines.brackets, input, player("brackets"), contextOf(`${world.study.id}-1`));
    return { names, error: null };
  } catch (error) {
    if (!(error instanceof StatesError)) throw error;
    return { names, error: error.error };
  }
};

/** A trial goes through the queue and its job; the later its number, the better. */
const runTrial = async (world: MemoryWorld, { parameters }: Task, taskToken: string) => {
  const body = { ...(parameters.MessageBody as object), taskToken };
  const { trial, attempt, ...message } = DispatchMessage.parse(body);
  world.rounds.waiting.add(taskToken);
  await world.deliver([{ ...message, trial, attempt }]);
  if (!world.rounds.waiting.has(taskToken)) return null;
  await world.finish(trial, trial / 100, attempt);
  if (world.rounds.waiting.has(taskToken)) throw new Error(`Nobody answered trial ${trial}.`);
  return { trial };
};

const tasksOf = ({ States }: Definition): string[] =>
  Object.entries(States).flatMap(([name, state]) => [
    ...(state.Type === "Task" ? [name] : []),
    ...(state.ItemProcessor === undefined ? [] : tasksOf(state.ItemProcessor)),
  ]);

describe("a study in rounds", () => {
  let whole: Awaited<ReturnType<typeof runStudy>>;
  let world: MemoryWorld;
  beforeAll(async () => {
    world = await makeWorld();
    whole = await runStudy({ world });
  });

  test("is run to its end, one execution a bracket, which says in its name whose it is", async () => {
    expect(whole.error).toBeNull();
    expect(whole.names).toEqual([0, 1, 2, 3, 4].map((bracket) => `${world.study.id}-1-${bracket}`));
    expect(await readStudy(world.deps, world.study)).toMatchObject({ state: "finished" });
    const { trials } = await world.snapshot();
    expect(trials.every(({ state }) => state === "completed" || state === "pruned")).toBe(true);
  });
});

test("brackets run side by side when each of their trials has a slot, and never more trials than the study allows", async () => {
  const world = await makeWorld(12);
  let running = 0;
  let most = 0;
  let sideBySide = 0;
  const finish = world.finish;
  world.finish = async (...args: Parameters<typeof finish>) => {
    most = Math.max(most, ++running);
    await finish(...args);
    running--;
  };
  const { error } = await runStudy({
    world,
    atOnce: (state, items) => {
      if (state === "RunBrackets") sideBySide = Math.max(sideBySide, items);
    },
  });
  expect(error).toBeNull();
  expect(sideBySide).toBeGreaterThan(1);
  expect(most).toBeGreaterThan(5);
  expect(most).toBeLessThanOrEqual(12);
});

const all = [...tasksOf(machines.brackets), ...tasksOf(machines.halving)];

test.each([...new Set(all)].filter((name) => name !== "MarkFailed"))(
  "%s that fails once is done again, and the study comes to its end",
  async (name) => {
    const world = await makeWorld();
    let failures = 0;
    const fault: Fault = ({ state }) =>
      state === name && failures++ === 0 ? "States.TaskFailed" : undefined;
    expect((await runStudy({ world, fault })).error).toBeNull();
    expect(failures).toBeGreaterThan(1);
    expect(await readStudy(world.deps, world.study)).toMatchObject({ state: "finished" });
  },
);

test.each(["PlanBrackets", "RunBracket", "OpenRung", "ListTrials", "CloseRung"])(
  "%s that keeps failing stops the study, and its message says so",
  async (name) => {
    const world = await makeWorld();
    const fault: Fault = ({ state }) => (state === name ? "States.Timeout" : undefined);
    expect((await runStudy({ world, fault })).error).toBe("States.Timeout");
    const read = await readStudy(world.deps, world.study);
    expect(read).toMatchObject({ started: false, message: expect.stringMatching(/^The rounds failed/) });
    expect(read.message).toContain("States.Timeout");
  },
);

test("a trial whose token is lost is left, and its rung is opened again", async () => {
  const world = await makeWorld();
  let lost = 0;
  const fault: Fault = ({ state }) => (state === "RunTrial" && lost++ < 2 ? "States.Timeout" : undefined);
  expect((await runStudy({ world, fault })).error).toBeNull();
  expect(await readStudy(world.deps, world.study)).toMatchObject({ state: "finished" });
});

test("a study that is stopped ends its executions at their next step, and none of its trials is touched", async () => {
  const world = await makeWorld();
  let seen = 0;
  const stopAt = async (task: Task) => {
    if (task.state === "OpenRung" && ++seen === 2) await stopStudy(world.deps, world.study, {}, noReceipt);
  };
  expect((await runStudy({ world, before: stopAt })).error).toBeNull();
  const { trials } = await world.snapshot();
  expect(trials.filter(({ state }) => state === "paused")).toHaveLength(9);
});

test.each([1, 100])(
  "a failure that cannot be marked %i times ends the executions all the same",
  async (times) => {
    const world = await makeWorld();
    const failures = new Map<string, number>();
    const fault: Fault = ({ state, parameters }) => {
      if (state === "OpenRung") return "States.Timeout";
      if (state !== "MarkFailed") return undefined;
      const key = String(parameters.rung);
      failures.set(key, (failures.get(key) ?? 0) + 1);
      return (failures.get(key) ?? 0) <= times ? "States.TaskFailed" : undefined;
    };
    expect((await runStudy({ world, fault })).error).not.toBeNull();
  },
);

describe("when all of the above has run", () => {
  test.each(["brackets", "halving"] as const)("every way of %s was visited", (machine) => {
    expect(missedWays(machines[machine], visited[machine])).toEqual([]);
  });
});
