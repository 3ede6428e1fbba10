import type { DynamoDBClientConfig } from "@aws-sdk/client-dynamodb";
import { inject } from "vitest";
import { retryAtOnce } from "./faults.ts";
import { createMemoryTable } from "./memory-table/client.ts";
import { clientFor, createTable, type TestTable } from "./table.ts";

declare module "vitest" {
  interface ProvidedContext {
    /** Endpoint of the emulator that `emulator-setup.ts` started for the project `store`; other projects have none. */
    emulator: string | undefined;
  }
}

/** Settings for any SDK client that shall reach the run's emulator. Only for tests of the project `store`. */
export const emulatorClient = () => {
  const endpoint = inject("emulator");
  if (endpoint === undefined)
    throw new Error("This test needs the emulator: see `needEmulator` in vitest.config.ts.");
  return clientFor(endpoint);
};

/** A table of its own for a test file: on the emulator where the project has one, otherwise in this process. */
export const createTestTable = async (config: DynamoDBClientConfig = {}): Promise<TestTable> => {
  const endpoint = inject("emulator");
  if (endpoint !== undefined) return createTable(endpoint, config);
  const table = createMemoryTable(config);
  retryAtOnce(table.client);
  return table;
};
