import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { delimiter, dirname, join } from "node:path";
import { expect, onTestFinished } from "vitest";
import type { Params } from "../../shared/values.ts";
import { BOOTSTRAP, ContractService, type Script } from "./service.ts";

export const RUNNER = join(import.meta.dirname, "../../clients/runner/hone");

export interface Ended {
  readonly code: number | null;
  readonly stdout: Buffer;
  readonly stderr: string;
}

export interface Running {
  readonly process: ChildProcess;
  readonly ended: Promise<Ended>;
}

/** The folder of the Python binary itself, without shims such as pyenv's, which start more slowly. */
const pythonFolder = dirname(
  execFileSync("python3", ["-c", "import sys; print(sys.executable)"], { encoding: "utf8" }).trim(),
);

/** A service for one test; when the test ends it is stopped, and every request must have matched the API's schemas. */
export const serve = async (script?: Script, params?: Params, heartbeatSeconds?: number) => {
  const service = await new ContractService(script, params, heartbeatSeconds).start();
  onTestFinished(async () => {
    await service.stop();
    expect(service.violations).toEqual([]);
  });
  return service;
};

/** Starts the real runner with only the given environment. */
export const start = (args: readonly string[], env: Record<string, string>, cwd?: string): Running => {
  const child = spawn(RUNNER, args, {
    env: { PATH: `${pythonFolder}${delimiter}${process.env.PATH}`, ...env },
    stdio: ["pipe", "pipe", "pipe"], // an input that never ends, like a terminal's
    cwd,
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  const stdout: Buffer[] = [];
  const stderr: Buffer[] = [];
  child.stdout.on("data", (chunk: Buffer) => stdout.push(chunk));
  child.stderr.on("data", (chunk: Buffer) => stderr.push(chunk));
  const ended = new Promise<Ended>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) => {
      resolve({ code, stdout: Buffer.concat(stdout), stderr: Buffer.concat(stderr).toString() });
    });
  });
  return { process: child, ended };
};

/** The environment of a job for attempt 2 of trial 7. */
export const jobEnvironment = (api: string): Record<string, string> => ({
  HONE_API: api,
  HONE_TEAM: "acme",
  HONE_STUDY: "svm-digits",
  HONE_TRIAL: "7",
  HONE_ATTEMPT: "2",
  HONE_TOKEN: BOOTSTRAP,
  AWS_BATCH_JOB_ID: "job-1",
});

export interface JobOptions {
  readonly options?: readonly string[];
  readonly env?: Record<string, string>;
}

/** Starts `hone exec -- command`, as the container of a job does. */
export const startJob = (service: ContractService, command: readonly string[], job: JobOptions = {}) =>
  start(["exec", ...(job.options ?? []), "--", ...command], { ...jobEnvironment(service.api), ...job.env });

/** Runs `hone exec -- command` and waits until it ends. */
export const runJob = (service: ContractService, command: readonly string[], job?: JobOptions) =>
  startJob(service, command, job).ended;

export const sh = (script: string): string[] => ["sh", "-c", script];
export const python = (script: string): string[] => ["python3", "-c", script];
