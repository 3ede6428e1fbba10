import { randomUUID } from "node:crypto";
import { CreateTableCommand, DynamoDBClient, type DynamoDBClientConfig } from "@aws-sdk/client-dynamodb";

/** An empty table of its own, with keys like the deployed one's. */
export interface TestTable {
  readonly client: DynamoDBClient;
  readonly tableName: string;
}

/** Settings for any SDK client that shall reach an emulator. */
export const clientFor = (endpoint: string) =>
  ({
    endpoint,
    region: "us-east-1",
    credentials: { accessKeyId: "test", secretAccessKey: "test" },
  }) as const;

/**
 * @param config settings of the client, such as `maxAttempts`.
 * @returns a client and an empty table with string keys `pk` and `sk`. The table goes with the emulator.
 */
export const createTable = async (
  endpoint: string,
  config: DynamoDBClientConfig = {},
): Promise<TestTable> => {
  const client = new DynamoDBClient({ ...clientFor(endpoint), ...config });
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
