import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

/** Folders and files, separated by commas, to which TESTS narrows a run that has little time. */
const narrowed = process.env.TESTS?.split(",").map((path) =>
  path.endsWith(".ts") ? path : `${path}/**/*.test.ts`,
);

/** The tests that a mutant has to survive: all that need nothing but this process, and are quick. */
export default defineConfig({
  test: {
    root: fileURLToPath(new URL("../..", import.meta.url)),
    include: narrowed ?? [
      "test/shared/auth/**/*.test.ts",
      "test/shared/scheduler/**/*.test.ts",
      "test/shared/service/**/*.test.ts",
      "test/shared/store/**/*.test.ts",
      "test/shared/study/**/*.test.ts",
      "test/faults/fence.test.ts",
    ],
    exclude: [
      // They compare the table in this process with the emulator.
      "test/shared/store/store.test.ts",
      "test/shared/store/memory-table.test.ts",
      // They take minutes: for each mutant that they reach, too long.
      "test/shared/service/faults.test.ts",
      "test/shared/service/batch-faults.test.ts",
      "test/shared/service/concurrency.test.ts",
    ],
    // Half of the time of a mutant is a fresh environment, which these tests do not need.
    isolate: false,
    testTimeout: 60_000,
  },
});
