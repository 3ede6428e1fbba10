import type { DynamoDBClientConfig } from "@aws-sdk/client-dynamodb";
import { inject } from "vitest";
import { clientFor, createTable, type TestTable } from "./table.ts";

declare module "vitest" {
  interface ProvidedContext {
    /** Endpoint of the emulator that `emulator-setup.ts` started for the project `store`. */
    emulator: string;
  }
}

/** Settings for any SDK client that shall reach the run's emulator. Only for tests of the project `store`. */
export const emulatorClient = () => clientFor(inject("emulator"));

/** A table of its own for a test file, on the emulator that the run shares. */
export const createTestTable = (config: DynamoDBClientConfig = {}): Promise<TestTable> =>
  createTable(inject("emulator"), config);
