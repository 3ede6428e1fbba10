import { BatchClient, RegisterJobDefinitionCommand } from "@aws-sdk/client-batch";
import { clientSettings } from "../emulator.ts";

const roleArn = (name: string): string => `arn:aws:iam::000000000000:role/${name}`;

/** The same as in the deployed job definition; a test compares them. */
export const retryStrategy = { attempts: 1 };

/** Registers the template of all studies' job definitions; on AWS the ComputeStack creates it. */
export const registerTemplate = async (endpoint: string, jobDefinitionName: string): Promise<void> => {
  const client = new BatchClient(clientSettings(endpoint));
  await client.send(
    new RegisterJobDefinitionCommand({
      jobDefinitionName,
      type: "container",
      containerProperties: {
        image: "local",
        command: ["true"],
        // No job assumes them here, but the Lambda that passes them needs the permission to.
        jobRoleArn: roleArn(`${jobDefinitionName}-job-us-east-1`),
        executionRoleArn: roleArn(`${jobDefinitionName}-start-us-east-1`),
        resourceRequirements: [
          { type: "VCPU", value: "1" },
          { type: "MEMORY", value: "2048" },
        ],
      },
      retryStrategy,
      timeout: { attemptDurationSeconds: 24 * 3600 },
      propagateTags: true,
    }),
  );
  client.destroy();
};
