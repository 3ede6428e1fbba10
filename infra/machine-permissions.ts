import type { Stack } from "aws-cdk-lib";
import { PolicyStatement } from "aws-cdk-lib/aws-iam";
import { LABEL } from "./machines/parts.ts";
import { executionsArn, machineArn, type Names } from "./names.ts";

/** The IAM statements of the state machines' roles, except those for logs and traces. */

const allow = (actions: string[], ...resources: string[]) => new PolicyStatement({ actions, resources });

/**
 * A machine that starts executions of another one (brackets, or outer folds) follows them until they end, for which Step Functions
 * keeps a rule of its own in EventBridge, and ends them with itself.
 */
export const parentStatements = (stack: Stack, child: string, rounds: string): PolicyStatement[] => [
  allow(["lambda:InvokeFunction"], rounds),
  allow(["states:StartExecution"], machineArn(stack, child)),
  allow(["states:DescribeExecution", "states:StopExecution"], executionsArn(stack, child)),
  allow(
    ["events:PutTargets", "events:PutRule", "events:DescribeRule"],
    stack.formatArn({
      service: "events",
      resource: "rule",
      resourceName: "StepFunctionsGetEventsForStepFunctionsExecutionRule",
    }),
  ),
];

/** The machine that runs an outer fold starts the brackets of its search, or waits for a token that goes through the queue. */
export const foldStatements = (
  stack: Stack,
  names: Names,
  { rounds, queue }: { readonly rounds: string; readonly queue: string },
): PolicyStatement[] => [
  ...parentStatements(stack, names.brackets, rounds),
  allow(["sqs:SendMessage"], queue),
];

/** A machine that runs a bracket or a generation starts the parts of its Distributed Map as executions of its own. */
export const inPartsStatements = (
  stack: Stack,
  name: string,
  { rounds, queue }: { readonly rounds: string; readonly queue: string },
): PolicyStatement[] => [
  allow(["lambda:InvokeFunction"], rounds),
  allow(["sqs:SendMessage"], queue),
  allow(["states:StartExecution"], machineArn(stack, name)),
  allow(["states:DescribeExecution", "states:StopExecution"], executionsArn(stack, name)),
  allow(["states:RedriveExecution"], executionsArn(stack, `${name}/${LABEL}`)),
];
