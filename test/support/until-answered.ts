import type { ServiceDeps } from "../../shared/service/core/deps.ts";
import { Crash, type Fault } from "./faults.ts";

/** Sends a request until it is answered, as a client does. @returns the type of the problem when it is refused. */
export const untilAnswered = async <T>(
  fresh: () => ServiceDeps,
  run: (deps: ServiceDeps) => Promise<T>,
): Promise<T | string> => {
  for (let i = 0; i < 100; i++) {
    try {
      return await run(fresh());
    } catch (error) {
      const { type } = error as { type?: string };
      if (error instanceof Crash || type === "in-progress" || type === "unavailable") continue;
      if (type === undefined) throw error;
      return type;
    }
  }
  throw new Error("never answered");
};

/** What becomes of a call. @param face uniform in [0, 1). @param rate how many of all calls meet a fault. */
export const faultFor = (face: number, rate: number): Fault => {
  if (face < 0.25 * rate) return "crash-before";
  if (face < 0.5 * rate) return "crash-after";
  if (face < 0.8 * rate) return "lost-reply";
  return face < rate ? "conflict" : "none";
};
