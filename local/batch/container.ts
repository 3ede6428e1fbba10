import { execFile, spawn } from "node:child_process";
import { closeSync, mkdirSync, openSync, rmSync, writeSync } from "node:fs";
import { dirname } from "node:path";
import { promisify } from "node:util";

export interface ContainerOptions {
  readonly command: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly directory: string;
  /** File for its output; `title` is the first line. */
  readonly log: string;
  readonly title: string;
  /** Its TMPDIR; removed when it ends. */
  readonly scratch: string;
}

/** A process in place of a container: it has a process group of its own, and nothing of it is left when it ends. */
export interface Container {
  /** Never rejects. `reason` is set when the command could not be started. */
  readonly ended: Promise<{ readonly exitCode: number; readonly reason: string | null }>;
  /** SIGTERM to the main process, as Docker does; SIGKILL to all processes after `graceMs` (immediately if 0). */
  kill(graceMs: number): void;
  /** SIGKILL without waiting, for when this process itself ends. */
  abandon(): void;
}

/** Exit codes as a shell reports them: command not found, ended by a signal. */
const NOT_FOUND = 127;
const SIGNALS: Partial<Record<NodeJS.Signals, number>> = {
  SIGKILL: 137,
  SIGTERM: 143,
  SIGSEGV: 139,
  SIGABRT: 134,
  SIGINT: 130,
};

export const startContainer = (options: ContainerOptions): Container => {
  const { command, environment, directory, log, title, scratch } = options;
  mkdirSync(scratch, { recursive: true });
  mkdirSync(dirname(log), { recursive: true });
  const output = openSync(log, "a", 0o600);
  writeSync(output, `${title}\n`);
  const [program = "", ...args] = command;
  const child = spawn(program, args, {
    cwd: directory,
    env: { ...environment, TMPDIR: scratch },
    detached: true,
    stdio: ["ignore", output, output],
  });
  closeSync(output);

  const signal = (pid: number | undefined, name: NodeJS.Signals): void => {
    try {
      if (pid !== undefined) process.kill(pid, name);
    } catch {
      // The process has already ended.
    }
  };
  const killGroup = (): void => signal(child.pid && -child.pid, "SIGKILL");
  const killAll = async (): Promise<void> => {
    // Processes in other groups: the `hone` runner starts its program in a new group.
    if (child.pid !== undefined) for (const pid of await descendants(child.pid)) signal(pid, "SIGKILL");
    killGroup();
  };

  let killTimer: NodeJS.Timeout | undefined;
  const ended = new Promise<{ exitCode: number; reason: string | null }>((resolve) => {
    child.on("error", (error) =>
      resolve({ exitCode: NOT_FOUND, reason: `CannotStartContainerError: ${error.message}` }),
    );
    child.on("exit", (code, name) =>
      resolve({ exitCode: code ?? SIGNALS[name ?? "SIGKILL"] ?? 137, reason: null }),
    );
  }).then((end) => {
    clearTimeout(killTimer);
    killGroup();
    rmSync(scratch, { recursive: true, force: true, maxRetries: 3 });
    return end;
  });

  return {
    ended,
    kill: (graceMs) => {
      if (graceMs > 0) signal(child.pid, "SIGTERM");
      killTimer ??= setTimeout(killAll, graceMs);
    },
    abandon: killGroup,
  };
};

/** Process ids of all descendants. */
const descendants = async (ancestor: number): Promise<number[]> => {
  const { stdout } = await promisify(execFile)("ps", ["-A", "-o", "pid=,ppid="]).catch(() => ({
    stdout: "",
  }));
  const children = new Map<number, number[]>();
  for (const line of stdout.trim().split("\n")) {
    const [pid = 0, parent = 0] = line.trim().split(/\s+/).map(Number);
    children.set(parent, [...(children.get(parent) ?? []), pid]);
  }
  const found: number[] = [];
  const visit = (pid: number): void => {
    for (const child of children.get(pid) ?? []) {
      found.push(child);
      visit(child);
    }
  };
  visit(ancestor);
  return found;
};
