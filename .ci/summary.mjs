// Prints "N passed, N failed" (and ", N skipped") of vitest's JSON reports, and exits as the runs did: summary.mjs EXIT_CODE REPORT...
import { existsSync, readFileSync } from "node:fs";

const [exitCode, ...reports] = process.argv.slice(2);

/** A report that is missing, or was cut because its run was killed. */
const LOST = { passed: 0, failed: 1, skipped: 0 };

const resultsOf = (report) => {
  try {
    return JSON.parse(readFileSync(report, "utf8"));
  } catch {
    return null;
  }
};

const count = (report) => {
  const results = resultsOf(report);
  if (results === null) return LOST;
  // A file that does not load has no tests to count; it failed all the same.
  const broken = results.testResults.filter(
    ({ status, assertionResults }) =>
      status === "failed" && !assertionResults.some((assertion) => assertion.status === "failed"),
  ).length;
  return {
    passed: results.numPassedTests,
    failed: results.numFailedTests + broken,
    skipped: results.numPendingTests + results.numTodoTests,
  };
};

if (!reports.some(existsSync)) console.log("No test ran: a step before them failed, see above.");
const counts = reports.map(count);
const sum = (name) => counts.reduce((total, one) => total + one[name], 0);
const failed = sum("failed");
const skipped = sum("skipped");
console.log(`${sum("passed")} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`);
process.exit(Number(exitCode) || (failed > 0 ? 1 : 0));
