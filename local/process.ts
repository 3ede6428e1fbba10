import { spawn } from "node:child_process";
import { closeSync, mkdirSync, openSync, readFileSync } from "node:fs";
import { createServer } from "node:net";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** The root of the checkout. */
export const root = join(dirname(fileURLToPath(import.meta.url)), "..");

/** Where this project's Node 24 and other tools are found. */
export const binFolder = join(root, "node_modules", ".bin");

/** An error for the user: what is wrong and what to do; shown without a stack trace. */
export class LocalError extends Error {}

/** @throws LocalError unless this is Node 24, which the npm scripts take from the package `node`. */
export const assertNode24 = (): void => {
  if (process.version.startsWith("v24.")) return;
  throw new LocalError(
    `This is Node ${process.version}; Hone needs Node 24. Use npm run demo or npm run local, which bring their own.`,
  );
};

export interface Service {
  /** Resolves with the exit code when the process has ended for any reason. */
  readonly exited: Promise<number>;
  /** Ends the process and its group and removes its scratch folder; resolves when that is done. May be called again. */
  stop(): Promise<void>;
}

export interface ServiceOptions {
  readonly command: string;
  readonly args: readonly string[];
  /** The complete environment: nothing is inherited. */
  readonly environment: Readonly<Record<string, string>>;
  /** File for its output. */
  readonly log: string;
  /** Folder that is created for it and removed when it ends. */
  readonly scratch: string;
}

/** Starts a long-running process under `guard.ts`, so that it ends when this process ends for any reason. */
export const startService = ({ command, args, environment, log, scratch }: ServiceOptions): Service => {
  mkdirSync(scratch, { recursive: true });
  mkdirSync(dirname(log), { recursive: true });
  const output = openSync(log, "a", 0o600);
  const guard = spawn(
    process.execPath,
    [join(root, "local", "guard.ts"), scratch, command, ...args],
    // A session of its own: Ctrl-C in the terminal does not reach the services, so that we can stop them in order.
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

/** The part of our environment that every child process needs: no credentials, no settings. */
export const minimalEnvironment = (): Record<string, string> => {
  const { HOME = "/", LANG = "C.UTF-8", PATH = "/usr/bin:/bin" } = process.env;
  return { HOME, LANG, PATH: PATH.startsWith(`${binFolder}:`) ? PATH : `${binFolder}:${PATH}` };
};

/** A TCP port of the loopback interface that was free when it was checked. */
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
