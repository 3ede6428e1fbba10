import { fileURLToPath } from "node:url";
import type { Plugin } from "vite";
import { defineConfig } from "vitest/config";

const memory = fileURLToPath(new URL("tables.ts", import.meta.url));

/** Tests that ask for a table on the emulator get one in this process. */
const inProcess: Plugin = {
  name: "hone-in-process",
  enforce: "pre",
  resolveId: (source) => (source.endsWith("support/emulator.ts") ? memory : null),
};

/** The tests that a mutant has to survive: all that need nothing but this process, and are quick. */
export default defineConfig({
  plugins: [inProcess],
  test: {
    root: fileURLToPath(new URL("../..", import.meta.url)),
    include: [
      "test/shared/auth/**/*.test.ts",
      "test/shared/scheduler/**/*.test.ts",
      "test/shared/service/**/*.test.ts",
      "test/shared/store/**/*.test.ts",
      "test/shared/study/**/*.test.ts",
      "test/faults/fence.test.ts",
    ],
    // They compare the table in this process with the emulator.
    exclude: ["test/shared/store/store.test.ts", "test/shared/store/memory-table.test.ts"],
    testTimeout: 60_000,
  },
});
