import { setTimeout as sleep } from "node:timers/promises";
import { LocalError } from "./process.ts";

/** The abort reason after a signal. */
class Interrupted extends Error {
  readonly exitCode: number;
  constructor(exitCode: number) {
    super("interrupted");
    this.exitCode = exitCode;
  }
}

/** What a program needs to stop cleanly. */
export interface Lifetime {
  /** Aborted when the user or the parent process asks the program to stop. */
  readonly signal: AbortSignal;
  /** Registers `clean`, called with the exit code when the program ends for any reason; last registered, first called. */
  atEnd(clean: (exitCode: number) => unknown): void;
}

/** Ctrl-C arrives twice, from the terminal and through npm; within this time it counts as one. */
const ECHO_MS = 1500;

const SIGNALS = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const;

/**
 * Runs `main`, cleans up whatever happens, and exits: with the code that `main` returns, with 1 and a message when it throws,
 * with 128 + n after signal n. A second signal skips the clean-up; the services still end, because `guard.ts` stops them.
 */
export const live = async (main: (lifetime: Lifetime) => Promise<number>): Promise<never> => {
  const controller = new AbortController();
  const cleanings: ((exitCode: number) => unknown)[] = [];
  let first = 0;
  for (const [name, exitCode] of Object.entries(SIGNALS)) {
    process.on(name, () => {
      if (first === 0) {
        first = Date.now();
        controller.abort(new Interrupted(exitCode));
      } else if (Date.now() - first > ECHO_MS) process.exit(exitCode);
    });
  }
  setInterval(() => {}, 60_000); // keeps the process alive while `main` only waits for a signal
  watchNpm(() => controller.abort(new Interrupted(SIGNALS.SIGTERM)));
  let exitCode: number;
  try {
    exitCode = await main({ signal: controller.signal, atEnd: (clean) => cleanings.unshift(clean) });
  } catch (error) {
    exitCode = told(error);
  }
  controller.abort(new Interrupted(exitCode)); // stops what is still running
  for (const clean of cleanings) {
    try {
      await clean(exitCode);
    } catch (error) {
      exitCode = told(error);
    }
  }
  process.exit(exitCode);
};

/** Prints the error. @returns the exit code. */
const told = (error: unknown): number => {
  const cause = error instanceof Error && error.name === "AbortError" ? (error.cause ?? error) : error;
  if (cause instanceof Interrupted) return cause.exitCode;
  console.error(cause instanceof LocalError ? `\n${cause.message}` : cause);
  return 1;
};

/** npm forwards signals, but a SIGKILL of npm cannot be forwarded: stop when npm is gone. */
const watchNpm = (gone: () => void): void => {
  if (process.env.npm_lifecycle_event === undefined) return;
  const npm = process.ppid;
  const timer = setInterval(() => {
    if (process.ppid === npm) return;
    clearInterval(timer);
    gone();
  }, 1000).unref();
};

/** Waits. @throws when the signal is aborted. */
export const pause = async (ms: number, signal: AbortSignal): Promise<void> => {
  await sleep(ms, undefined, { signal });
};

/** Never resolves. @throws when the signal is aborted. */
export const untilAborted = (signal: AbortSignal): Promise<never> =>
  new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason);
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
  });
