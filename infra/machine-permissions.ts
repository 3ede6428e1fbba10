import type { Stack } from "aws-cdk-lib";
import { PolicyStatement } from "aws-cdk-lib/aws-iam";
import { LABEL } from "./machines/halving.ts";
import { executionsArn, machineArn, type Names } from "./names.ts";

/** The IAM statements of the state machines' roles, except those for logs and traces. */

const allow = (actions: string[], ...resources: string[]) => new PolicyStatement({ actions, resources });

/**
 * The machine that starts brackets follows them until they end, for which Step Functions keeps a rule of its own in EventBridge, and
 * ends them with itself.
 */
export const bracketsStatements = (stack: Stack, names: Names, rounds: string): PolicyStatement[] => [
  allow(["lambda:InvokeFunction"], rounds),
  allow(["states:StartExecution"], machineArn(stack, names.halving)),
  allow(["states:DescribeExecution", "states:StopExecution"], executionsArn(stack, names.halving)),
  allow(
    ["events:PutTargets", "events:PutRule", "events:DescribeRule"],
    stack.formatArn({
      service: "events",
      resource: "rule",
      resourceName: "StepFunctionsGetEventsForStepFunctionsExecutionRule",
    }),
  ),
];

/** The machine that runs a bracket starts the parts of its Distributed Map as executions of its own. */
export const halvingStatements = (
  stack: Stack,
  names: Names,
  { rounds, queue }: { readonly rounds: string; readonly queue: string },
): PolicyStatement[] => [
  allow(["lambda:InvokeFunction"], rounds),
  allow(["sqs:SendMessage"], queue),
  allow(["states:StartExecution"], machineArn(stack, names.halving)),
  allow(["states:DescribeExecution", "states:StopExecution"], executionsArn(stack, names.halving)),
  allow(["states:RedriveExecution"], executionsArn(stack, `${names.halving}/${LABEL}`)),
];
