import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { CreateStateMachineCommand, DescribeExecutionCommand, SFNClient } from "@aws-sdk/client-sfn";
import { CreateQueueCommand, ReceiveMessageCommand, SQSClient } from "@aws-sdk/client-sqs";
import { expect, test } from "vitest";
import { stepFunctions } from "../../../shared/executor/step-functions.ts";
import type { Workflow } from "../../../shared/ports.ts";
import { emulatorClient } from "../../support/emulator.ts";

const STUDY = "svm-digits-7k2m";
const execution = (generation: number) => ({
  machine: "brackets" as const,
  study: STUDY,
  generation,
  index: null,
});

/** A machine that waits for one task token, which it sends to a queue. */
const waitingMachine = async () => {
  const sfn = new SFNClient(emulatorClient());
  const sqs = new SQSClient(emulatorClient());
  const { QueueUrl: url = "" } = await sqs.send(new CreateQueueCommand({ QueueName: `q-${randomUUID()}` }));
  const definition = {
    StartAt: "Wait",
    States: {
      Wait: {
        Type: "Task",
        Resource: "arn:aws:states:::sqs:sendMessage.waitForTaskToken",
        Parameters: { QueueUrl: url, MessageBody: { "taskToken.$": "$$.Task.Token", "input.$": "$" } },
        TimeoutSeconds: 60,
        End: true,
      },
    },
  };
  const { stateMachineArn: machine = "" } = await sfn.send(
    new CreateStateMachineCommand({
      name: `m-${randomUUID()}`,
      definition: JSON.stringify(definition),
      roleArn: "arn:aws:iam::000000000000:role/machine",
    }),
  );
  const rounds = stepFunctions({
    client: sfn,
    machines: { brackets: machine, halving: machine, folds: machine, fold: machine, generations: machine },
  });
  const take = async (): Promise<{ taskToken: string; input: unknown }> => {
    for (;;) {
      const { Messages = [] } = await sqs.send(new ReceiveMessageCommand({ QueueUrl: url }));
      if (Messages[0]?.Body !== undefined) return JSON.parse(Messages[0].Body);
      await sleep(50);
    }
  };
  const output = async (generation: number): Promise<string | undefined> => {
    const executionArn = `${machine.replace(":stateMachine:", ":execution:")}:${STUDY}-${generation}`;
    return (await sfn.send(new DescribeExecutionCommand({ executionArn }))).output;
  };
  return { rounds, take, output };
};

const until = async (rounds: Workflow, generation: number, state: string): Promise<void> => {
  while ((await rounds.state(execution(generation))) !== state) await sleep(50);
};

test("a machine is started once a generation, waits for its token, and goes on with the answer", async () => {
  const { rounds, take, output } = await waitingMachine();
  expect(await rounds.state(execution(1))).toBe("missing");
  await rounds.start(execution(1));
  await rounds.start(execution(1));
  const { taskToken, input } = await take();
  expect(input).toEqual({ study: STUDY, generation: 1 });
  expect(await rounds.state(execution(1))).toBe("running");
  expect(await rounds.resume(taskToken, { trial: 3, state: "paused" })).toBe(true);
  await until(rounds, 1, "ended");
  expect(JSON.parse((await output(1)) ?? "")).toEqual({ trial: 3, state: "paused" });
  await rounds.start(execution(1)); // over, and still the same
  expect(await rounds.state(execution(1))).toBe("ended");
});

test("an answer that comes twice, or to an execution that was stopped, finds nobody and is no error", async () => {
  const { rounds, take } = await waitingMachine();
  await rounds.start(execution(2));
  const first = await take();
  expect(await rounds.resume(first.taskToken, {})).toBe(true);
  expect(await rounds.resume(first.taskToken, {})).toBe(false);
  await rounds.start(execution(3));
  const second = await take();
  await rounds.stop(execution(3), "The study was stopped.");
  await until(rounds, 3, "ended");
  // AWS answers TaskTimedOut or TaskDoesNotExist; the emulator takes the token of a stopped execution.
  await rounds.resume(second.taskToken, {});
  expect(await rounds.state(execution(3))).toBe("ended");
  await rounds.stop(execution(3), "again");
  await rounds.stop(execution(99), "never was");
  expect(await rounds.resume("not a token", {})).toBe(false);
});
