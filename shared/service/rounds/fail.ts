import { haltChanges } from "../batch/stop.ts";
import { commit } from "../core/commit.ts";
import { noRequest, type ServiceDeps } from "../core/deps.ts";
import { findRunning, type StartAddress, TRIES } from "./round.ts";

/** Where and why a state machine gave up. */
export interface Failure extends StartAddress {
  /** Absent when it was not at a rung. */
  readonly rung?: number | undefined;
  readonly reason: string;
}

/** The machine gave up: nothing more is dispatched, the reconciler puts back what runs, and a person is told. */
export const failRounds = async (deps: ServiceDeps, failure: Failure): Promise<void> => {
  const { study, rung, reason } = failure;
  const isHalted = await commit(
    deps,
    noRequest,
    async () => {
      const running = await findRunning(deps, failure);
      if (running === null) return { changes: [], answer: false };
      const notice = { kind: "rounds-failed", ...(rung !== undefined && { rung }), detail: reason } as const;
      return { changes: haltChanges(running.snapshot.head, false, notice), answer: true };
    },
    TRIES,
  );
  if (isHalted) deps.log("rounds-failed", { study, rung: rung ?? null, reason });
};
