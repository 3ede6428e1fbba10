import { setTimeout as sleep } from "node:timers/promises";
import { LocalError } from "./process.ts";

/** Why a program was asked to end. */
class Interrupted extends Error {
  readonly exitCode: number;
  constructor(exitCode: number) {
    super("interrupted");
    this.exitCode = exitCode;
  }
}

/** What a program needs to end well. */
export interface Lifetime {
  /** Aborted when the user, or whoever started us, wants us to end. */
  readonly signal: AbortSignal;
  /** Has `clean` called with the exit code at the end, however it comes; the last one registered first. */
  atEnd(clean: (exitCode: number) => unknown): void;
}

/** Ctrl-C comes twice, from the terminal and through npm: that is not impatience. */
const ECHO_MS = 1500;

const SIGNALS = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const;

/**
 * Runs a program's main part, cleans up after it whatever happens, and exits: with what it returns, with 1 and a message
 * when it throws, as the shell expects after a signal. A second signal does not wait for the clean-up; the guards of our
 * services see to the rest.
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
  setInterval(() => {}, 60_000); // main may wait for nothing but a signal
  watchNpm(() => controller.abort(new Interrupted(SIGNALS.SIGTERM)));
  let exitCode: number;
  try {
    exitCode = await main({ signal: controller.signal, atEnd: (clean) => cleanings.unshift(clean) });
  } catch (error) {
    exitCode = told(error);
  }
  controller.abort(new Interrupted(exitCode)); // whatever still goes on
  for (const clean of cleanings) {
    try {
      await clean(exitCode);
    } catch (error) {
      exitCode = told(error);
    }
  }
  process.exit(exitCode);
};

/** Says what went wrong. @returns the exit code. */
const told = (error: unknown): number => {
  const cause = error instanceof Error && error.name === "AbortError" ? (error.cause ?? error) : error;
  if (cause instanceof Interrupted) return cause.exitCode;
  console.error(cause instanceof LocalError ? `\n${cause.message}` : cause);
  return 1;
};

/** npm passes signals on, but not the one that nobody can catch: when it is gone, we are not wanted any more. */
const watchNpm = (gone: () => void): void => {
  if (process.env.npm_lifecycle_event === undefined) return;
  const npm = process.ppid;
  const timer = setInterval(() => {
    if (process.ppid === npm) return;
    clearInterval(timer);
    gone();
  }, 1000).unref();
};

/** Waits, and throws when the signal is aborted meanwhile. */
export const pause = async (ms: number, signal: AbortSignal): Promise<void> => {
  await sleep(ms, undefined, { signal });
};

/** Throws when the signal is aborted, and never ends otherwise. */
export const untilAborted = (signal: AbortSignal): Promise<never> =>
  new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason);
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
  });
