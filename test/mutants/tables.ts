import type { DynamoDBClientConfig } from "@aws-sdk/client-dynamodb";
import { retryAtOnce } from "../support/faults.ts";
import { createMemoryTable } from "../support/memory-table/client.ts";
import { clientFor, type TestTable } from "../support/table.ts";

/** In place of `test/support/emulator.ts`, for tests that need nothing of it but tables. */
export const createTestTable = async (config: DynamoDBClientConfig = {}): Promise<TestTable> => {
  const table = createMemoryTable(config);
  retryAtOnce(table.client);
  return table;
};

export const emulatorClient = () => clientFor("http://in-process.invalid");
