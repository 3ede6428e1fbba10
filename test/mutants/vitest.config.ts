import { relative, resolve } from "node:path";
import { defineConfig } from "vitest/config";
import { CONDITIONS, instrument } from "./instrument.ts";

/** What `run.ts` asks for: the sources to mutate, the tests that shall notice, and where results go. */
const { HONE_MUTATE: files = "", HONE_TESTS: tests = "", HONE_RESULTS: results = "" } = process.env;
const root = resolve(import.meta.dirname, "../..");
const { code, mutants: all } = await instrument(files.split(","));
const mutants = process.env.HONE_CONDITIONS ? all.filter(({ kind }) => CONDITIONS.has(kind)) : all;

export default defineConfig({
  plugins: [{ name: "hone-mutants", enforce: "pre", load: (id) => code.get(relative(root, id)) ?? null }],
  test: {
    root,
    include: ["test/mutants/plant.ts"],
    testNamePattern: /all mutants are planted$/,
    provide: { planted: { mutants, tests: tests.split(","), results } },
    // A module kept from an earlier run has the switches of that run.
    fsModuleCache: false,
    pool: "threads",
    testTimeout: 0,
    // A mutant may leave a promise that nobody waits for any more.
    dangerouslyIgnoreUnhandledErrors: true,
    onConsoleLog: () => false,
  },
});
