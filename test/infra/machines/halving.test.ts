import { createRequire } from "node:module";
import { describe, expect, test } from "vitest";
import { halving, MAX_PARALLEL, MAX_TRIAL_RUNS } from "../../../infra/machines/halving.ts";
import { MOST_RUNS } from "../../../shared/scheduler/sha.ts";
import { type ClosedRung, type OpenedRung, RoundsRequest } from "../../../shared/schemas/rounds.ts";
import { flat, ofType, synthesize } from "../synthesize.ts";

/** The package has no types, and it changes the definition that it gets. */
const validate = createRequire(import.meta.url)("asl-validator") as (definition: unknown) => {
  isValid: boolean;
  errors: unknown[];
};

interface State {
  readonly Type: string;
  readonly [field: string]: unknown;
}
interface Definition {
  readonly States: Record<string, State>;
}

const parts = {
  rounds: "arn:aws:lambda:eu-west-1:111122223333:function:rounds",
  queue: "https://sqs.eu-west-1.amazonaws.com/111122223333/dispatch",
};
const definition = () => halving(parts) as unknown as Definition;
const state = (name: string): State => {
  const found = definition().States[name];
  if (found === undefined) throw new Error(`No state ${name}`);
  return found;
};
const inner = () => (state("RunRung").ItemProcessor as Definition).States;

test("every state machine of the stack is valid", () => {
  const machines = ofType(synthesize().core, "AWS::StepFunctions::StateMachine");
  expect(machines).toHaveLength(1);
  for (const [, { Properties }] of machines) {
    const text = flat(Properties.DefinitionString).replaceAll(/<(\w+)\.Arn>/g, parts.rounds);
    expect(validate(JSON.parse(text))).toMatchObject({ isValid: true, errors: [] });
  }
});

test("the validator finds a planted error", () => {
  const planted = {
    ...definition().States,
    OpenRung: { ...state("OpenRung"), Next: "Nowhere" },
  };
  expect(validate({ ...definition(), States: planted }).isValid).toBe(false);
});

describe("halving", () => {
  const tasks = () =>
    [...Object.entries(definition().States), ...Object.entries(inner())].filter(
      ([, { Type }]) => Type === "Task",
    );

  test("never waits forever: each task has a time-out, is retried, and its failure is handled", () => {
    expect(tasks().map(([name]) => name)).toEqual(["OpenRung", "CloseRung", "MarkFailed", "RunTrial"]);
    for (const [name, task] of tasks()) {
      expect(task.TimeoutSeconds ?? task.TimeoutSecondsPath, name).toBeDefined();
      expect(task.Retry, name).toHaveLength(1);
      if (name !== "MarkFailed") expect(task.Catch, name).toMatchObject([{ ErrorEquals: ["States.ALL"] }]);
    }
  });

  test("sends messages that the dispatcher's schema accepts, with the task token", () => {
    const { Parameters: parameters } = inner().RunTrial as unknown as {
      Parameters: Record<string, unknown>;
    };
    expect(parameters.QueueUrl).toBe(parts.queue);
    const body = parameters.MessageBody as Record<string, unknown>;
    expect(Object.keys(body).map((key) => key.replace(/\.\$$/, ""))).toEqual([
      "version",
      "study",
      "trial",
      "attempt",
      "taskToken",
    ]);
  });

  test("calls `rounds` with input that its schema accepts, and reads only fields that its replies have", () => {
    const input = { study: "svm-digits-7k2m", generation: 1, rung: 2, failure: { Error: "States.Timeout" } };
    for (const name of ["OpenRung", "CloseRung", "MarkFailed"]) {
      const parameters = Object.entries(state(name).Parameters as Record<string, string>).map(
        ([key, value]) =>
          key.endsWith(".$")
            ? [
                key.slice(0, -2),
                value
                  .split(".")
                  .slice(1)
                  .reduce<unknown>((at, field) => (at as Record<string, unknown>)[field], input),
              ]
            : [key, value],
      );
      expect(RoundsRequest.safeParse(Object.fromEntries(parameters)).error, name).toBeUndefined();
    }
    const opened: OpenedRung = { rung: 0, done: false, trials: [], parallel: 1, timeoutSeconds: 60 };
    const closed: ClosedRung = { rung: 1, done: false };
    const read = (answer: string) =>
      [...JSON.stringify(definition()).matchAll(new RegExp(`\\b${answer}\\.(\\w+)`, "g"))].map(
        ([, field]) => field,
      );
    expect(new Set(read("open"))).toEqual(new Set(Object.keys(opened)));
    expect(new Set(read("close"))).toEqual(new Set(Object.keys(closed)));
  });

  test("respects the limits of an inline Map: trials at once, and events in the history", () => {
    expect(MAX_PARALLEL).toBe(40);
    expect(state("RunRung").MaxConcurrency).toContain(`, ${MAX_PARALLEL}]`);
    expect(MAX_TRIAL_RUNS).toBe(MOST_RUNS);
  });

  test("continues only from a rung that was closed", () => {
    expect(state("RunRung").Next).toBe("CloseRung");
    expect(state("WasItTheLast")).toMatchObject({ Default: "NextRung" });
    expect(state("NextRung")).toMatchObject({ Next: "OpenRung" });
  });
});
