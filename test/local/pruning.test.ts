import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { countSteps, pruningLines } from "../../local/pruning.ts";
import type { Trial } from "../../shared/schemas/trial.ts";

const trial = (number: number, state: Trial["state"], reason: string | null) =>
  ({ number, state, reason }) as Trial;

test("what was pruned and saved is told, with the latest decisions in the scheduler's words", () => {
  const trials = [
    trial(0, "completed", null),
    ...[1, 2, 3, 4, 5, 6].map((n) => trial(n, "pruned", `rung 0 (fold 1): rank ${n}`)),
    trial(7, "completed", null),
  ];
  expect(pruningLines(trials, { name: "fold", max: 5 }, 18)).toEqual([
    "6 of 8 trials were pruned: 18 of 40 folds were run, 55% less. For example:",
    "",
    "trial 3  rung 0 (fold 1): rank 3",
    "trial 4  rung 0 (fold 1): rank 4",
    "trial 5  rung 0 (fold 1): rank 5",
    "trial 6  rung 0 (fold 1): rank 6",
  ]);
});

test("the steps of all jobs are counted, and nothing else that they print", () => {
  const folder = mkdtempSync(join(tmpdir(), "hone-logs-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const step = '{"step": 1, "accuracy": 0.5}\n';
  writeFileSync(join(folder, "a.log"), `# attempt 1\n${step}${step}hone: trial 2: stop\n`);
  writeFileSync(join(folder, "b.log"), `# attempt 1; command ["{\\"step\\":"]\n${step}{"accuracy": 1}\n`);
  expect(countSteps(folder)).toBe(3);
});
