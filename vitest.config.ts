import { availableParallelism } from "node:os";
import { defineConfig } from "vitest/config";
import { SlowFirst } from "./test/support/slow-first.ts";

/**
 * Tests that talk to a real DynamoDB API: the emulator, started once for the run. The others have a table in their own
 * process, which test/support/contracts/store.ts holds to the same behaviour.
 */
const needEmulator = [
  "test/shared/store/**/*.test.ts",
  // What happens at once, or under faults, is seen on both.
  "test/shared/service/{batch-faults,concurrency,faults}.test.ts",
  "test/shared/executor/**/*.test.ts",
  "test/functions/**/*.test.ts",
  "test/cli/{admin,redrive}.test.ts",
  "test/docs/search-space.test.ts",
];
/** What a user sees of the deployed stack: deployed once, shared by all files. */
const needStack = ["test/stack/**/*.test.ts", "test/permissions/{rare,sweep}-ways.test.ts"];
/** What is looked at when those are done. */
const needRecord = ["test/permissions/recorded.test.ts"];
/** Jobs that need PyTorch, on a stack of their own: not part of `npm test`, but of `npm run test:gradients`. */
const needPyTorch = ["test/examples/gradients.test.ts"];

/**
 * A process runs file after file: it loads the SDK and the rest once. What a file would leave behind for the next one fails it.
 */
const shareProcesses = { isolate: false, setupFiles: "test/support/leaves-nothing.ts" };

export default defineConfig({
  test: {
    reporters: process.env.CI_RESULTS
      ? ["default", ["json", { outputFile: process.env.CI_RESULTS }]]
      : ["default"],
    // A hung test must not hang the run; the slowest of a project decide.
    hookTimeout: 60_000,
    teardownTimeout: 20_000,
    // Of what is awaited from another process; the default of a second is missed while all cores are busy.
    expect: { poll: { timeout: 20_000 } },
    // More than cores: many tests wait for processes, for the emulator or for time to pass.
    maxWorkers: Math.ceil(1.5 * availableParallelism()),
    sequence: { sequencer: SlowFirst },
    projects: [
      {
        extends: true,
        test: {
          ...shareProcesses,
          name: "unit",
          include: ["test/**/*.test.ts"],
          exclude: [...needEmulator, ...needStack, ...needRecord, ...needPyTorch],
          testTimeout: 120_000,
          sequence: { groupOrder: 0 },
        },
      },
      {
        extends: true,
        test: {
          ...shareProcesses,
          name: "store",
          include: needEmulator,
          globalSetup: "test/support/emulator-setup.ts",
          testTimeout: 120_000,
          // Beside those of `unit`: while one waits for the emulator, another computes.
          sequence: { groupOrder: 0 },
        },
      },
      {
        extends: true,
        test: {
          name: "stack",
          include: needStack,
          globalSetup: "test/support/stack-setup.ts",
          // Real jobs on few cores: one file at a time, and patience.
          fileParallelism: false,
          testTimeout: 300_000,
          hookTimeout: 300_000,
          sequence: { groupOrder: 1 },
        },
      },
      {
        extends: true,
        test: {
          name: "recorded",
          include: needRecord,
          testTimeout: 60_000,
          sequence: { groupOrder: 2 },
        },
      },
      {
        extends: true,
        test: {
          name: "templates",
          include: needPyTorch,
          testTimeout: 240_000,
          hookTimeout: 120_000,
        },
      },
    ],
  },
});
