import { describe, expect, test } from "vitest";
import { createRounds } from "../../../functions/rounds/index.ts";
import { brackets } from "../../../infra/machines/brackets.ts";
import { fold } from "../../../infra/machines/fold.ts";
import { folds } from "../../../infra/machines/folds.ts";
import { halving } from "../../../infra/machines/halving.ts";
import { type DispatchMessage, QueueMessage } from "../../../shared/schemas/message.ts";
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

/** The machines of nested cross-validation as they are deployed, with the Lambda that serves them: every way is taken. */

const parts = {
  rounds: "arn:rounds",
  brackets: "arn:brackets",
  halving: "arn:halving",
  fold: "arn:fold",
  queue: "https://queue",
};
const machines = {
  folds: folds(parts) as unknown as Definition,
  fold: fold(parts) as unknown as Definition,
  brackets: brackets(parts) as unknown as Definition,
  halving: halving(parts) as unknown as Definition,
};
type Name = keyof typeof machines;
const visited: Record<Name, Set<string>> = {
  folds: new Set(),
  fold: new Set(),
  brackets: new Set(),
  halving: new Set(),
};

const inRounds = { name: "sha", resource: { name: "epoch", min: 1, max: 3 }, eta: 3 } as const;

/** Two outer folds. */
const makeWorld = async (scheduler: typeof inRounds | { name: "none" }) => {
  const world = await memoryWorld({
    scheduler,
    budget: { trials: 3, parallel: 3 },
    evaluation: {
      type: "nested-cv",
      samples: 60,
      outer: { folds: 2, kind: "plain" },
      inner: { folds: 2, together: true },
    },
  });
  await world.start();
  return world;
};

interface StartParameters {
  readonly StateMachineArn: string;
  readonly Name: string;
  readonly Input: Record<string, unknown>;
}

interface Run {
  readonly world: MemoryWorld;
  readonly fault?: Fault;
  readonly before?: (task: Task) => Promise<void>;
}

/** Runs the machine of a started study to its end. @returns the names of all executions, and the error that it ends with. */
const runStudy = async ({ world, fault = () => undefined, before = async () => {} }: Run) => {
  const rounds = createRounds(() => world.deps);
  const names: string[] = [];
  const player = (machine: Name) => ({
    visit: (way: string) => void visited[machine].add(way),
    atOnce: () => {},
    play: async (task: Task): Promise<unknown> => {
      await before(task);
      const error = fault(task);
      if (error !== undefined) throw new StatesError(error);
      if (task.resource === parts.rounds) return JSON.parse(JSON.stringify(await rounds(task.parameters)));
      if (task.resource.includes("sqs")) return sendAndWait(world, task);
      const { StateMachineArn: arn, Name, Input } = task.parameters as unknown as StartParameters;
      names.push(Name);
      const child = arn.replace("arn:", "") as Name;
      return execute(machines[child], Input, player(child), contextOf(Name));
    },
  });
  const name = `${world.study.id}-1`;
  try {
    await execute(machines.folds, { study: world.study.id, generation: 1 }, player("folds"), contextOf(name));
    return { names, error: null };
  } catch (error) {
    if (!(error instanceof StatesError)) throw error;
    return { names, error: error.error };
  }
};

let tokens = 0;

/** A message goes through the queue, and jobs run until its token is answered. */
const sendAndWait = async (world: MemoryWorld, { parameters }: Task) => {
  const taskToken = `token-${tokens++}`;
  const message = QueueMessage.parse({ ...(parameters.MessageBody as object), taskToken });
  world.rounds.waiting.add(taskToken);
  await world.deliver([message]);
  for (let turn = 0; world.rounds.waiting.has(taskToken); turn++) {
    if (turn > 50) throw new Error(`Nobody answered ${JSON.stringify(message)}.`);
    await world.deliver(world.queue.take() as DispatchMessage[]);
    const [job] = world.batch.alive().filter(({ status }) => status === "RUNNABLE");
    if (job === undefined) await Promise.resolve();
    else await finish(world, job.environment);
  }
  return {};
};

/** The later its number, the better. */
const finish = async (world: MemoryWorld, environment: Readonly<Record<string, string>>) => {
  const [number, attempt] = [Number(environment.HONE_TRIAL), Number(environment.HONE_ATTEMPT)];
  await world.finish(number, number / 1000, attempt);
};

const schedulers = { "in rounds": inRounds, "without rounds": { name: "none" } } as const;

describe.each(Object.entries(schedulers))("searches %s", (_, scheduler) => {
  test("run side by side to the end of the study, one execution a fold, which says in its name whose it is", async () => {
    const world = await makeWorld(scheduler);
    const { error, names } = await runStudy({ world });
    expect(error).toBeNull();
    expect(names).toEqual(expect.arrayContaining([`${world.study.id}-1-0`, `${world.study.id}-1-1`]));
    const { state, nested } = await readStudy(world.deps, world.study);
    expect(state).toBe("finished");
    expect(nested).toMatchObject({ scored: 2, folds: [{ trials: 3 }, { trials: 3 }] });
  });

  test("a study that is stopped ends its executions at their next step", async () => {
    const world = await makeWorld(scheduler);
    let seen = 0;
    const before = async ({ state }: Task) => {
      if (state === "OpenFold" && ++seen === 3) await stopStudy(world.deps, world.study, {}, noReceipt);
    };
    expect((await runStudy({ world, before })).error).toBeNull();
    expect(await readStudy(world.deps, world.study)).toMatchObject({ started: false });
  });
});

const waysToRun = [
  ["PlanFolds", "without rounds"],
  ["RunFold", "without rounds"],
  ["OpenFold", "without rounds"],
  ["AwaitTrials", "without rounds"],
  ["RunBrackets", "in rounds"],
] as const;

test.each(waysToRun)(
  "%s that fails once is done again, and the study comes to its end",
  async (name, how) => {
    const world = await makeWorld(schedulers[how]);
    let failures = 0;
    const fault: Fault = ({ state }) =>
      state === name && failures++ === 0 ? "States.TaskFailed" : undefined;
    expect((await runStudy({ world, fault })).error).toBeNull();
    expect(failures).toBeGreaterThan(1);
    expect(await readStudy(world.deps, world.study)).toMatchObject({ state: "finished" });
  },
);

test("a token that is lost leads to another look, and another token", async () => {
  const world = await makeWorld(schedulers["without rounds"]);
  let lost = 0;
  const fault: Fault = ({ state }) => (state === "AwaitTrials" && lost++ < 2 ? "States.Timeout" : undefined);
  expect((await runStudy({ world, fault })).error).toBeNull();
  expect(await readStudy(world.deps, world.study)).toMatchObject({ state: "finished" });
});

test.each(waysToRun)("%s that keeps failing stops the study, and its message says so", async (name, how) => {
  const world = await makeWorld(schedulers[how]);
  const fault: Fault = ({ state }) => (state === name ? "States.TaskFailed" : undefined);
  await runStudy({ world, fault });
  const read = await readStudy(world.deps, world.study);
  expect(read).toMatchObject({ started: false, message: expect.stringMatching(/^The rounds failed/) });
});

test.each([
  ["PlanFolds", 1],
  ["PlanFolds", 100],
  ["OpenFold", 1],
  ["OpenFold", 100],
])("a failure of %s that cannot be marked %i times ends the executions all the same", async (name, times) => {
  const world = await makeWorld(schedulers["without rounds"]);
  let failures = 0;
  const fault: Fault = ({ state }) => {
    if (state === name) return "States.Timeout";
    return state === "MarkFailed" && failures++ < times ? "States.TaskFailed" : undefined;
  };
  expect((await runStudy({ world, fault })).error).not.toBeNull();
});

describe("when all of the above has run", () => {
  test.each(["folds", "fold"] as const)("every way of %s was visited", (machine) => {
    expect(missedWays(machines[machine], visited[machine])).toEqual([]);
  });
});
