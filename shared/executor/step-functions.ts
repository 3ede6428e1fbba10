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
import type { Workflow } from "../ports.ts";

export interface StepFunctionsOptions {
  readonly client: SFNClient;
  /** ARN of the halving state machine. */
  readonly machine: string;
}

/** Rounds of halving on Step Functions: one execution per start of a study, named after both. */
export const stepFunctions = ({ client, machine }: StepFunctionsOptions): Workflow => {
  const nameOf = (study: string, generation: number) => `${study}-${generation}`;
  const arnOf = (study: string, generation: number) =>
    `${machine.replace(":stateMachine:", ":execution:")}:${nameOf(study, generation)}`;

  return {
    start: async (study, generation) => {
      try {
        await client.send(
          new StartExecutionCommand({
            stateMachineArn: machine,
            name: nameOf(study, generation),
            input: JSON.stringify({ study, generation }),
          }),
        );
      } catch (error) {
        if (!(error instanceof ExecutionAlreadyExists)) throw error;
      }
    },

    state: async (study, generation) => {
      try {
        const { status } = await client.send(
          new DescribeExecutionCommand({ executionArn: arnOf(study, generation) }),
        );
        return status === "RUNNING" || status === "PENDING_REDRIVE" ? "running" : "ended";
      } catch (error) {
        if (error instanceof ExecutionDoesNotExist) return "missing";
        throw error;
      }
    },

    stop: async (study, generation, reason) => {
      try {
        await client.send(
          new StopExecutionCommand({ executionArn: arnOf(study, generation), cause: reason }),
        );
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
