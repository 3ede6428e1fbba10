import { CloudFormationClient, DescribeStacksCommand } from "@aws-sdk/client-cloudformation";
import { CORE_STACK, environment, outputs } from "../shared/deployment.ts";
import { CommandError } from "./command.ts";

/** Options of commands that work on a deployment's own resources, with the caller's AWS credentials. */
export const stackOption = { stack: { type: "string" } } as const;
export const stackDescription = { stack: `name of the deployed stack, ${CORE_STACK} by default` };

/** One of the stack's outputs: `name` as in `shared/deployment.ts`. */
export const stackOutput = async (name: keyof typeof outputs, stack = CORE_STACK): Promise<string> => {
  const reply = await new CloudFormationClient({}).send(new DescribeStacksCommand({ StackName: stack }));
  const found = reply.Stacks?.[0]?.Outputs?.find((output) => output.OutputKey === outputs[name]);
  if (found?.OutputValue === undefined) {
    throw new CommandError(
      `The stack ${stack} has no output ${outputs[name]}. Is it deployed in this Region?`,
    );
  }
  return found.OutputValue;
};

/** The name of the table: from the option, else the environment, else the stack. */
export const tableName = async (options: { table?: string; stack?: string }): Promise<string> =>
  options.table ?? process.env[environment.table] ?? stackOutput("table", options.stack);
