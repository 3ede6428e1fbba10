import { BatchClient, RegisterJobDefinitionCommand } from "@aws-sdk/client-batch";

/** As the deployed job definition has it; a test compares the two. */
export const retryStrategy = { attempts: 1 };

/** Registers the template of all studies' job definitions, which on AWS the ComputeStack makes. */
export const registerTemplate = async (endpoint: string, jobDefinitionName: string): Promise<void> => {
  const client = new BatchClient({
    endpoint,
    region: "us-east-1",
    credentials: { accessKeyId: "test", secretAccessKey: "test" },
  });
  await client.send(
    new RegisterJobDefinitionCommand({
      jobDefinitionName,
      type: "container",
      containerProperties: {
        image: "local",
        command: ["true"],
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
