import { expect, test } from "vitest";
import { type Ending, endingOf, hasEnded, secondsRun } from "../../../../shared/executor/batch/ending.ts";
import type { BatchJob } from "../../../../shared/schemas/batch-event.ts";
import { NOON } from "../../../support/study.ts";

/** What AWS Batch says of a job whose container ran and ended. */
const job = (change: Partial<BatchJob> = {}): BatchJob => ({
  jobId: "job-1",
  jobName: "hone-svm-0-1",
  status: "FAILED",
  startedAt: NOON,
  stoppedAt: NOON + 1500,
  statusReason: "Essential container in task exited",
  ...change,
});

const exited = (exitCode: number, reason?: string) =>
  job({ container: { exitCode, ...(reason && { reason }) } });

test.each<[string, BatchJob, Ending["kind"]]>([
  ["exit code 0", job({ status: "SUCCEEDED", container: { exitCode: 0 } }), "succeeded"],
  ["a reclaimed machine", job({ statusReason: "Host EC2 (instance i-0abc) terminated." }), "interrupted"],
  [
    "our own termination",
    job({ statusReason: "hone: study stopped", container: { exitCode: 137 } }),
    "interrupted",
  ],
  ["SIGTERM", exited(143), "interrupted"],
  ["a program that asks for another attempt", exited(75), "interrupted"],
  ["the time-out", job({ statusReason: "Job attempt duration exceeded timeout" }), "timeout"],
  ["no memory left", exited(137, "OutOfMemoryError: Container killed due to memory usage"), "failed"],
  ["SIGKILL", exited(137), "failed"],
  ["a program that failed", exited(3), "failed"],
  ["an end that says nothing", job({ statusReason: undefined }), "failed"],
  [
    "an image that cannot be pulled",
    exited(1, "CannotPullContainerError: pull access denied"),
    "not-started",
  ],
  ["a job that never got a machine", job({ startedAt: undefined }), "not-started"],
])("%s is told apart", (_, ended, kind) => {
  expect(endingOf(ended).kind).toBe(kind);
});

test("a machine that went away counts as interruption although the container never started", () => {
  const lost = job({ startedAt: undefined, statusReason: "Host EC2 (instance i-0abc) terminated." });
  expect(endingOf(lost).kind).toBe("interrupted");
});

test("what only the last attempt tells is read from it", () => {
  const attempts = [
    { container: { exitCode: 1 } },
    { statusReason: "Host EC2 (instance i-1) terminated.", container: { exitCode: 9 } },
  ];
  expect(endingOf(job({ statusReason: undefined, attempts })).kind).toBe("interrupted");
});

test.each<[RegExp, string, string]>([
  [
    /image could not be pulled/,
    "",
    "CannotPullContainerError: Error response from daemon: manifest for CANARY not found",
  ],
  [/could not be started/, "", "CannotStartContainerError: exec CANARY: no such file"],
  [/No instance became free/, "CAPACITY:INSUFFICIENT_INSTANCE_CAPACITY - CANARY", ""],
  [/large enough/, "MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT - CANARY", ""],
  [/could not be prepared/, "", "ResourceInitializationError: unable to configure the network: CANARY"],
  ...[
    "Fetching secret data from AWS Secrets Manager in region eu-west-1: secret arn:aws:secretsmanager:eu-west-1:1:secret:hone/acme/manifest: ResourceNotFoundException: Secrets Manager can't find the specified secret.",
    "Fetching secret data from SSM Parameter Store in eu-west-1: invalid parameters: [/hone/acme/CannotPull]",
    "ResourceInitializationError: unable to pull secrets or registry auth: execution resource retrieval failed: unable to retrieve secret from asm: AccessDeniedException: CANARY",
    "retrieved secret from Secrets Manager did not contain json key CANARY",
  ].map((text): [RegExp, string, string] => [
    /secret of executor.secrets could not be read/,
    "Task failed to start",
    text,
  ]),
  [/did not start the job/, "CANARY", "CANARY"],
])("why a container never ran is told in words of Hone's own: %s", (wanted, statusReason, reason) => {
  const ended = endingOf(job({ startedAt: undefined, statusReason, container: { reason } }));
  expect(ended).toMatchObject({ kind: "not-started", reason: expect.stringMatching(wanted) });
});

/** Texts as AWS has them, with what is nobody's business. */
const CANARY = "arn:aws:batch:eu-west-1:111122223333:job/0f1e on ip-10-0-0-7.ec2.internal (i-0abc)";

test("no text of AWS is in a reason, wherever it comes from", () => {
  const texts = [
    CANARY,
    `Host EC2 (${CANARY}) terminated.`,
    `hone: ${CANARY}`,
    `CannotPullContainerError: ${CANARY}`,
  ];
  for (const statusReason of texts)
    for (const reason of texts)
      for (const exitCode of [undefined, 1, 75, 137, 143])
        for (const startedAt of [undefined, NOON]) {
          const container = { reason, ...(exitCode !== undefined && { exitCode }) };
          for (const ended of [
            job({ statusReason, container, startedAt }),
            job({ statusReason: undefined, startedAt, attempts: [{ statusReason, container }] }),
          ]) {
            const { reason: shown = "" } = endingOf(ended) as { reason?: string };
            expect(shown).not.toMatch(/arn:|111122223333|internal|i-0abc/);
            expect(shown).not.toBe("");
          }
        }
});

test("a job has ended when it succeeded or failed, and in no other state", () => {
  expect(hasEnded(job({ status: "SUCCEEDED" }))).toBe(true);
  expect(hasEnded(job({ status: "FAILED" }))).toBe(true);
  for (const status of ["SUBMITTED", "PENDING", "RUNNABLE", "STARTING", "RUNNING"] as const) {
    expect(hasEnded(job({ status }))).toBe(false);
  }
});

test("a job ran for whole seconds, until now when it still runs, and not at all before it started", () => {
  expect(secondsRun(job(), NOON + 99_000)).toBe(2);
  expect(secondsRun(job({ stoppedAt: undefined }), NOON + 60_000)).toBe(60);
  expect(secondsRun(job({ startedAt: undefined }), NOON)).toBe(0);
  expect(secondsRun(job({ stoppedAt: NOON - 1000 }), NOON)).toBe(0);
});
