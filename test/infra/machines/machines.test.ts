import { createRequire } from "node:module";
import { describe, expect, test } from "vitest";
import { brackets, SIDE_BY_SIDE } from "../../../infra/machines/brackets.ts";
import { fold } from "../../../infra/machines/fold.ts";
import { SIDE_BY_SIDE as FOLDS_SIDE_BY_SIDE, folds } from "../../../infra/machines/folds.ts";
import { generations } from "../../../infra/machines/generations.ts";
import { halving } from "../../../infra/machines/halving.ts";
import { MOST_CHUNKS } from "../../../infra/machines/parts.ts";
import { RoundsRequest } from "../../../shared/schemas/rounds.ts";
import { Budget } from "../../../shared/schemas/study.ts";
import { CHUNK_PARALLEL, CHUNK_TRIALS } from "../../../shared/service/rounds/chunks.ts";
import { BRACKETS_PER_EXECUTION } from "../../../shared/service/rounds/plan.ts";
import { WAVES_PER_EXECUTION } from "../../../shared/service/rounds/waves.ts";
import { MOST_BRACKETS } from "../../../shared/study/execution.ts";
import type { Definition } from "../../support/states.ts";
import { flat, ofType, synthesize } from "../synthesize.ts";

/** The package has no types, and it changes the definition that it gets. */
const validate = createRequire(import.meta.url)("asl-validator") as (definition: unknown) => {
  isValid: boolean;
  errors: unknown[];
};

const parts = {
  rounds: "arn:aws:lambda:eu-west-1:111122223333:function:rounds",
  halving: "arn:aws:states:eu-west-1:111122223333:stateMachine:hone-halving",
  brackets: "arn:aws:states:eu-west-1:111122223333:stateMachine:hone-brackets",
  fold: "arn:aws:states:eu-west-1:111122223333:stateMachine:hone-fold",
  queue: "https://sqs.eu-west-1.amazonaws.com/111122223333/dispatch",
};
const machines = {
  brackets: brackets(parts) as unknown as Definition,
  halving: halving(parts) as unknown as Definition,
  folds: folds(parts) as unknown as Definition,
  fold: fold(parts) as unknown as Definition,
  generations: generations(parts) as unknown as Definition,
};

type State = Definition["States"][string];

/** All states by their names, those within Maps too. */
const statesOf = ({ States }: Definition): [string, State][] =>
  Object.entries(States).flatMap(([name, state]) => [
    [name, state] as [string, State],
    ...(state.ItemProcessor === undefined ? [] : statesOf(state.ItemProcessor)),
  ]);
const state = (machine: keyof typeof machines, name: string): State => {
  const [, found] = statesOf(machines[machine]).find(([each]) => each === name) ?? [];
  if (found === undefined) throw new Error(`No state ${name}`);
  return found;
};

test("every state machine of the stack is valid", () => {
  const found = ofType(synthesize().core, "AWS::StepFunctions::StateMachine");
  expect(found).toHaveLength(Object.keys(machines).length);
  for (const [, { Properties }] of found) {
    const text = flat(Properties.DefinitionString).replaceAll(/<(\w+)\.Arn>/g, parts.rounds);
    expect(validate(JSON.parse(text))).toMatchObject({ isValid: true, errors: [] });
  }
});

test("the validator finds a planted error", () => {
  const { States } = machines.halving;
  const planted = { ...States, OpenRung: { ...States.OpenRung, Next: "Nowhere" } };
  expect(validate({ ...machines.halving, States: planted }).isValid).toBe(false);
});

const tasksOf = {
  brackets: ["PlanBrackets", "RunBracket", "MarkFailed"],
  halving: ["OpenRung", "ListTrials", "RunTrial", "CloseRung", "MarkFailed"],
  folds: ["PlanFolds", "RunFold", "MarkFailed"],
  fold: ["OpenFold", "RunBrackets", "AwaitTrials", "MarkFailed"],
  generations: ["OpenWave", "ListTrials", "RunTrial", "MarkFailed"],
};

describe.each(["brackets", "halving", "folds", "fold", "generations"] as const)("%s", (machine) => {
  const tasks = statesOf(machines[machine]).filter(([, { Type }]) => Type === "Task");

  test("never waits for ever: each task has a time-out, is retried, and its failure is handled", () => {
    expect(tasks.map(([name]) => name)).toEqual(tasksOf[machine]);
    for (const [name, task] of tasks) {
      expect(task.TimeoutSeconds ?? task.TimeoutSecondsPath, name).toBeDefined();
      expect(task.Retry, name).toHaveLength(1);
      expect((task.Catch as unknown[]).at(-1), name).toMatchObject({ ErrorEquals: ["States.ALL"] });
    }
  });

  test("calls `rounds` with fields of its schema", () => {
    const shapes = new Map(
      RoundsRequest.options.map(({ shape }) => [shape.action.value as string, Object.keys(shape)]),
    );
    for (const [name, { Resource: resource, Parameters: given }] of tasks) {
      if (resource !== parts.rounds) continue;
      const fields = Object.keys(given as object).map((key) => key.replace(/\.\$$/, ""));
      const known = shapes.get(String((given as { action: unknown }).action)) ?? [];
      expect(known, name).toEqual(expect.arrayContaining(fields));
    }
  });
});

test("the messages are those that the dispatcher's schema accepts, with the task token", () => {
  const { QueueUrl: url, MessageBody: body } = state("halving", "RunTrial").Parameters as {
    QueueUrl: string;
    MessageBody: object;
  };
  expect(url).toBe(parts.queue);
  expect(Object.keys(body).map((key) => key.replace(/\.\$$/, ""))).toEqual([
    "version",
    "study",
    "trial",
    "attempt",
    "taskToken",
  ]);
});

describe("limits", () => {
  const EVENTS = 25_000;

  test("an inline Map runs at most 40 at once", () => {
    expect(CHUNK_PARALLEL).toBeLessThanOrEqual(40);
    expect(SIDE_BY_SIDE).toBeLessThanOrEqual(40);
    expect(MOST_BRACKETS).toBe(SIDE_BY_SIDE);
    expect(FOLDS_SIDE_BY_SIDE).toBeLessThanOrEqual(40);
    expect(state("brackets", "RunBrackets").MaxConcurrency).toBe(SIDE_BY_SIDE);
  });

  test("as many parts run at once as the largest parallelism needs", () => {
    const most = Budget.shape.parallel.unwrap().maxValue ?? 0;
    expect(MOST_CHUNKS * CHUNK_PARALLEL).toBeGreaterThanOrEqual(most);
    expect(state("halving", "RunRung").MaxConcurrency).toBe(MOST_CHUNKS);
  });

  test("no history has more events than Step Functions keep", () => {
    expect(CHUNK_TRIALS * 10).toBeLessThan(EVENTS);
    expect(BRACKETS_PER_EXECUTION * 25).toBeLessThan(EVENTS);
    expect(WAVES_PER_EXECUTION * 25).toBeLessThan(EVENTS);
  });
});
