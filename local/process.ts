import { spawn } from "node:child_process";
import { closeSync, mkdirSync, openSync, readFileSync } from "node:fs";
import { createServer } from "node:net";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** The checkout. */
export const root = join(dirname(fileURLToPath(import.meta.url)), "..");

/** Where this project's Node 24 and other tools are found. */
export const binFolder = join(root, "node_modules", ".bin");

/** A message for the user: what is wrong and what to do; shown without a stack. */
export class LocalError extends Error {}

/** @throws LocalError on any other Node than the one that npm scripts put on the PATH: the package `node`. */
export const assertNode24 = (): void => {
  if (process.version.startsWith("v24.")) return;
  throw new LocalError(
    `This is Node ${process.version}; Hone runs on the Node 24 of its own. Use npm run demo or npm run local.`,
  );
};

export interface Service {
  /** Resolves, with the exit code, when the process has ended for whatever reason. */
  readonly exited: Promise<number>;
  /** Ends the process, its group and its scratch folder; resolves when they are gone. May be called again. */
  stop(): Promise<void>;
}

export interface ServiceOptions {
  readonly command: string;
  readonly args: readonly string[];
  /** The whole environment: nothing of ours is inherited. */
  readonly environment: Readonly<Record<string, string>>;
  /** File for what it prints. */
  readonly log: string;
  /** Folder that is made for it and removed after it; a relative path is refused. */
  readonly scratch: string;
}

/** Starts a long-running process under `guard.ts`, so that it never outlives us, however we end. */
export const startService = ({ command, args, environment, log, scratch }: ServiceOptions): Service => {
  mkdirSync(scratch, { recursive: true });
  mkdirSync(dirname(log), { recursive: true });
  const output = openSync(log, "a", 0o600);
  const guard = spawn(
    process.execPath,
    [join(root, "local", "guard.ts"), scratch, command, ...args],
    // Its own session: Ctrl-C in the terminal reaches us alone, and we stop services in order.
    { cwd: root, env: { ...environment }, detached: true, stdio: ["pipe", output, output] },
  );
  closeSync(output);
  const exited = new Promise<number>((resolve, reject) => {
    guard.on("exit", (code) => resolve(code ?? 1));
    guard.on("error", reject);
  });
  return {
    exited,
    stop: async () => {
      guard.stdin?.destroy();
      await exited;
    },
  };
};

/** What a child process needs of ours to run at all, and nothing else: no credentials, no settings. */
export const minimalEnvironment = (): Record<string, string> => {
  const { HOME = "/", LANG = "C.UTF-8", PATH = "/usr/bin:/bin" } = process.env;
  return { HOME, LANG, PATH: PATH.startsWith(`${binFolder}:`) ? PATH : `${binFolder}:${PATH}` };
};

/** A TCP port of the loopback interface that was free a moment ago. */
export const freePort = (): Promise<number> =>
  new Promise((resolve, reject) => {
    const server = createServer();
    server.on("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => resolve(typeof address === "object" && address !== null ? address.port : 0));
    });
  });

/** The end of a log, for an error message. */
export const lastLines = (file: string, count = 15): string => {
  try {
    return readFileSync(file, "utf8").trimEnd().split("\n").slice(-count).join("\n");
  } catch {
    return "(nothing was logged)";
  }
};
