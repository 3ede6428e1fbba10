/**
 * Runs one command and makes sure that it ends: `node local/guard.ts SCRATCH COMMAND ARGUMENT...`
 *
 * The command gets a process group of its own. When it ends, when the guard gets a SIGTERM, or when the process that
 * started the guard is gone (stdin closes, even after a SIGKILL), the whole group gets SIGTERM, and SIGKILL five seconds
 * later, and the folder SCRATCH is removed.
 */
import { spawn } from "node:child_process";
import { rmSync } from "node:fs";

const GRACE_MS = 5000;

const [scratch, command, ...args] = process.argv.slice(2);
if (scratch === undefined || command === undefined)
  throw new Error("usage: guard.ts SCRATCH COMMAND ARGUMENT...");

const child = spawn(command, args, { detached: true, stdio: ["ignore", "inherit", "inherit"] });

const signalGroup = (signal: NodeJS.Signals): void => {
  try {
    if (child.pid !== undefined) process.kill(-child.pid, signal);
  } catch {
    // The group has no process any more.
  }
};

let stopping = false;
const stop = (): void => {
  if (stopping) return;
  stopping = true;
  signalGroup("SIGTERM");
  setTimeout(() => signalGroup("SIGKILL"), GRACE_MS).unref();
};

const finish = (code: number): void => {
  signalGroup("SIGKILL"); // child processes that are still running
  rmSync(scratch, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  process.exit(code);
};

child.on("error", (error) => {
  console.error(`${command} does not start: ${error.message}`);
  finish(127);
});
child.on("exit", (code) => finish(code ?? 1));
for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const) process.on(signal, stop);
process.stdin.on("close", stop).resume();
