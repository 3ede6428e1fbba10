import { spawn } from "node:child_process";
import { appendFileSync } from "node:fs";
import { LocalError, root } from "./process.ts";

export interface CommandOptions {
  /** What the command does, for the error message: "Deploying the stack". */
  readonly title: string;
  readonly environment: Readonly<Record<string, string>>;
  /** File to which its output is appended; null for none. */
  readonly log: string | null;
  readonly signal: AbortSignal;
}

/**
 * Runs a command in the checkout and waits until it ends; nothing is written to the terminal.
 * @returns its stdout.
 * @throws LocalError with its output when it fails, or the signal's reason when it was aborted.
 */
export const runCommand = async (
  command: string,
  args: readonly string[],
  { title, environment, log, signal }: CommandOptions,
): Promise<string> => {
  signal.throwIfAborted();
  const child = spawn(command, args, {
    cwd: root,
    env: { ...environment },
    stdio: ["ignore", "pipe", "pipe"],
    detached: true, // a process group of its own: we can kill all of it, and Ctrl-C does not reach it
  });
  let printed = "";
  let all = "";
  child.stdout.on("data", (chunk) => {
    printed += chunk;
    all += chunk;
  });
  child.stderr.on("data", (chunk) => {
    all += chunk;
  });
  const killGroup = (): void => {
    if (child.pid !== undefined) process.kill(-child.pid, "SIGKILL");
  };
  signal.addEventListener("abort", killGroup, { once: true });
  const code = await new Promise<number | null>((resolve, reject) => {
    child.on("error", (error) => reject(new LocalError(`${title}: ${error.message}`)));
    child.on("close", resolve);
  }).finally(() => signal.removeEventListener("abort", killGroup));
  if (log !== null) appendFileSync(log, `$ ${command} ${args.join(" ")}\n${all}\n`, { mode: 0o600 });
  signal.throwIfAborted();
  if (code !== 0) throw new LocalError(`${title} failed (${command} ${args.join(" ")}):\n${all.trim()}`);
  return printed;
};
