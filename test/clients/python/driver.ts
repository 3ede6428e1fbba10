import { type ChildProcess, spawn } from "node:child_process";
import { join } from "node:path";
import { expect, onTestFinished } from "vitest";
import type { LeasedTrial } from "../../../shared/schemas/trial.ts";
import { createTeam } from "../../../shared/service/access/teams.ts";
import { createToken } from "../../../shared/service/access/tokens.ts";
import { gateway } from "../../support/gateway.ts";
import { createMemoryTable } from "../../support/memory-table/client.ts";
import { serve } from "../../support/serve.ts";
import { noReceipt, TEAM, testDeps } from "../../support/service.ts";
import { checkpointsOn, serveBucket } from "../bucket.ts";
import { serve as serveContract } from "../driver.ts";
import type { Answer, Script } from "../service.ts";

export const ROOT = join(import.meta.dirname, "../../..");
export const PYTHON = join(ROOT, ".venv/bin/python");
export const PACKAGE = join(ROOT, "clients/python");

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Program {
  readonly process: ChildProcess;
  readonly ended: Promise<Ended>;
}

/** Starts a Python program that can import the client from the checkout, with nothing else of our environment. */
export const startPython = (args: readonly string[], env: Record<string, string>, cwd?: string): Program => {
  const child = spawn(PYTHON, args, {
    env: { PATH: process.env.PATH, PYTHONPATH: join(PACKAGE, "src"), PYTHONUNBUFFERED: "1", ...env },
    cwd,
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  const output = { stdout: "", stderr: "" };
  for (const name of ["stdout", "stderr"] as const) {
    child[name].setEncoding("utf8").on("data", (text: string) => {
      output[name] += text;
    });
  }
  const ended = new Promise<Ended>((resolve, reject) => {
    child.on("error", reject).on("close", (code) => resolve({ code, ...output }));
  });
  return { process: child, ended };
};

/** Runs a program, given as text, that must end well. @returns what it printed. */
export const python = async (script: string, env: Record<string, string>): Promise<string> => {
  const { code, stdout, stderr } = await startPython(["-c", script], env).ended;
  expect(code, stderr).toBe(0);
  return stdout;
};

/** The real handler, on a table in this process, for one test. */
export const serveHandler = async () => {
  const { client, tableName } = createMemoryTable();
  const clock = {
    get now() {
      return Date.now();
    },
  };
  const bucket = await serveBucket();
  const deps = { ...testDeps(client, tableName, clock), checkpoints: checkpointsOn(bucket) };
  await createTeam(deps, TEAM);
  const { token } = await createToken(deps, TEAM, { name: "python", role: "owner" }, "admin", noReceipt);
  const call = gateway(deps);
  const server = await serve(call);
  onTestFinished(() => server.close());
  return {
    env: { HONE_API: server.api, HONE_TEAM: TEAM, HONE_TOKEN: token },
    bucket,
    get: async <T>(path: string) => (await call<T>("GET", `/v1/teams/${TEAM}${path}`, { token })).body,
  };
};

export const expires = new Date(Date.now() + 300_000).toISOString();

/** The answer to an ask that hands out one trial. */
export const handOut = (number: number, more: Partial<LeasedTrial> = {}): Answer => {
  const trial: LeasedTrial = {
    number,
    attempt: 1,
    params: { x: number },
    resource: null,
    reportAt: null,
    checkpoint: null,
    leaseExpires: expires,
    algorithm: "random",
    why: "uniform",
    ...more,
  };
  return { body: { trials: [trial], state: "running", retryAfter: null } };
};

export const nothing = (state: string, retryAfter: number | null = null): Answer => ({
  body: { trials: [], state, retryAfter },
});

export const decide = (decision: string, reportAt: number | null = null): Answer => ({
  body: { decision, reason: `to ${decision}`, leaseExpires: expires, reportAt },
});

/** As much of a study as the client reads. */
export const studyOf = (metric: string): Answer => {
  const body = JSON.stringify({ study: "parabola", objectives: [{ metric, direction: "minimize" }] });
  return { raw: (response) => void response.end(body) };
};

/** A study with one objective, `loss`, and `count` trials, on a server that checks each request against the API's schemas. */
export const serveStudy = async (count: number, script: Script = {}) => {
  let next = 0;
  const service = await serveContract({
    getStudy: () => studyOf("loss"),
    ask: () => (next < count ? handOut(next++) : nothing("finished")),
    ...script,
  });
  return { service, env: { HONE_API: service.api, HONE_TEAM: "acme", HONE_TOKEN: "hone_python_0123456789" } };
};
