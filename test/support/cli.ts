import { spawn } from "node:child_process";

export interface Ran {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs `hone` as a user does: as a process, with nothing of our environment but what is given. */
export const hone = (
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
  options: { input?: string; cwd?: string } = {},
): Promise<Ran> =>
  new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [`${import.meta.dirname}/../../cli/hone.ts`, ...args], {
      env: { PATH: process.env.PATH ?? "", ...env },
      ...(options.cwd !== undefined && { cwd: options.cwd }),
    });
    const output = { stdout: "", stderr: "" };
    for (const name of ["stdout", "stderr"] as const) {
      child[name].setEncoding("utf8").on("data", (text: string) => {
        output[name] += text;
      });
    }
    child.on("error", reject).on("close", (code) => resolve({ code, ...output }));
    child.stdin.end(options.input ?? "");
  });

/** For commands that use AWS credentials: they reach the emulator. */
export const awsEnvironment = (endpoint: string) => ({
  AWS_ENDPOINT_URL: endpoint,
  AWS_REGION: "us-east-1",
  AWS_ACCESS_KEY_ID: "test",
  AWS_SECRET_ACCESS_KEY: "test",
});
