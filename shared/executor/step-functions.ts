import {
  DescribeExecutionCommand,
  ExecutionAlreadyExists,
  ExecutionDoesNotExist,
  InvalidToken,
  SendTaskSuccessCommand,
  type SFNClient,
  StartExecutionCommand,
  StopExecutionCommand,
  TaskDoesNotExist,
  TaskTimedOut,
} from "@aws-sdk/client-sfn";
import type { Execution, MachineName, Workflow } from "../ports.ts";

export interface StepFunctionsOptions {
  readonly client: SFNClient;
  /** ARN of each state machine (infra/machines). */
  readonly machines: Readonly<Record<MachineName, string>>;
}

/** State machines on Step Functions. */
export const stepFunctions = ({ client, machines }: StepFunctionsOptions): Workflow => {
  const nameOf = ({ study, generation, index }: Execution) =>
    index === null ? `${study}-${generation}` : `${study}-${generation}-${index}`;
  const arnOf = (execution: Execution) =>
    `${machines[execution.machine].replace(":stateMachine:", ":execution:")}:${nameOf(execution)}`;

  return {
    start: async (execution) => {
      try {
        await client.send(
          new StartExecutionCommand({
            stateMachineArn: machines[execution.machine],
            name: nameOf(execution),
            input: JSON.stringify({ study: execution.study, generation: execution.generation }),
          }),
        );
      } catch (error) {
        if (!(error instanceof ExecutionAlreadyExists)) throw error;
      }
    },

    state: async (execution) => {
      try {
        const { status } = await client.send(
          new DescribeExecutionCommand({ executionArn: arnOf(execution) }),
        );
        return status === "RUNNING" || status === "PENDING_REDRIVE" ? "running" : "ended";
      } catch (error) {
        if (error instanceof ExecutionDoesNotExist) return "missing";
        throw error;
      }
    },

    stop: async (execution, reason) => {
      try {
        await client.send(new StopExecutionCommand({ executionArn: arnOf(execution), cause: reason }));
      } catch (error) {
        // The request is always well-formed, so what is not valid is to stop an execution that has ended.
        const isOver =
          error instanceof ExecutionDoesNotExist ||
          (error instanceof Error && error.name === "ValidationException");
        if (!isOver) throw error;
      }
    },

    resume: async (taskToken, output) => {
      try {
        await client.send(new SendTaskSuccessCommand({ taskToken, output: JSON.stringify(output) }));
        return true;
      } catch (error) {
        // Answered before, timed out, or of an execution that has ended: nobody waits any more.
        const isOver =
          error instanceof TaskDoesNotExist || error instanceof TaskTimedOut || error instanceof InvalidToken;
        if (isOver) return false;
        throw error;
      }
    },
  };
};
