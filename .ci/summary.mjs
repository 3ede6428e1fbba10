// Prints "N passed, N failed" (and ", N skipped") of vitest's JSON report, and exits as the run did: summary.mjs REPORT EXIT_CODE
import { readFileSync } from "node:fs";

const [report, exitCode] = process.argv.slice(2);
const text = readFileSync(report, "utf8");
const results = text === "" ? null : JSON.parse(text);

const count = () => {
  if (results === null) {
    console.log("No test ran: a step before them failed, see above.");
    return { passed: 0, failed: 1, skipped: 0 };
  }
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

const { passed, failed, skipped } = count();
console.log(`${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`);
process.exit(Number(exitCode) || (failed > 0 ? 1 : 0));
