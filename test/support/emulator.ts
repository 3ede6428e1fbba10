import { randomUUID } from "node:crypto";
import { CreateTableCommand, DynamoDBClient, type DynamoDBClientConfig } from "@aws-sdk/client-dynamodb";
import { inject } from "vitest";

declare module "vitest" {
  interface ProvidedContext {
    /** Endpoint of the emulator that `emulator-setup.ts` started for the project `store`. */
    emulator: string;
  }
}

/** A table of its own for a test file, with keys like the deployed one's, on the emulator that the run shares. */
export interface TestTable {
  readonly client: DynamoDBClient;
  readonly tableName: string;
}

/** Settings for any SDK client that shall reach the run's emulator. Only for tests of the project `store`. */
export const emulatorClient = () =>
  ({
    endpoint: inject("emulator"),
    region: "us-east-1",
    credentials: { accessKeyId: "test", secretAccessKey: "test" },
  }) as const;

/**
 * @param config settings of the client, such as `maxAttempts`.
 * @returns a client and an empty table with string keys `pk` and `sk`. The table goes with the emulator.
 */
export const createTestTable = async (config: DynamoDBClientConfig = {}): Promise<TestTable> => {
  const client = new DynamoDBClient({ ...emulatorClient(), ...config });
  const tableName = `test-${randomUUID()}`;
  await client.send(
    new CreateTableCommand({
      TableName: tableName,
      BillingMode: "PAY_PER_REQUEST",
      KeySchema: [
        { AttributeName: "pk", KeyType: "HASH" },
        { AttributeName: "sk", KeyType: "RANGE" },
      ],
      AttributeDefinitions: [
        { AttributeName: "pk", AttributeType: "S" },
        { AttributeName: "sk", AttributeType: "S" },
      ],
    }),
  );
  return { client, tableName };
};
