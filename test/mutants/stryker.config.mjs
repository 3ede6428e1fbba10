/**
 * Mutation testing of the rooms that fence, count and authorise: `npm run mutants`, or of a part of them
 * `npm run mutants -- --mutate shared/auth/*.ts`. A run remembers what it found, and the next tests only what has changed.
 * Reports lie under .hone/mutants.
 */
export default {
  mutate: ["service", "study", "store", "scheduler", "auth"].map((room) => `shared/${room}/**/*.ts`),
  testRunner: "vitest",
  vitest: { configFile: "test/mutants/vitest.config.ts", related: true },
  // Stryker rewrites tsconfig.json with an API that TypeScript 7 does not have; nothing here needs it rewritten.
  tsconfigFile: "none",
  plugins: ["@stryker-mutator/vitest-runner"],
  ignorePatterns: ["/.hone", "/bench", "/docs", "/examples", "/infra", "/local", ".venv", "cdk.out"],
  ignoreStatic: true,
  concurrency: 1,
  timeoutMS: 60_000,
  incremental: true,
  incrementalFile: ".hone/mutants/known.json",
  tempDirName: ".hone/mutants/sandbox",
  reporters: ["clear-text", "json", "progress-append-only"],
  jsonReporter: { fileName: ".hone/mutants/report.json" },
  clearTextReporter: { logTests: false, allowColor: false, reportTests: false },
};
