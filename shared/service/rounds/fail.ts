import { alarmedEvents } from "../../deployment.ts";
import { findHead } from "../../store/head.ts";
import { wholeId } from "../../study/parts.ts";
import { haltChanges } from "../batch/stop.ts";
import { commit } from "../core/commit.ts";
import { noRequest, type ServiceDeps } from "../core/deps.ts";
import { loadStudyById } from "../core/load.ts";
import { type StartAddress, TRIES } from "./round.ts";

/** Where and why a state machine gave up. */
export interface Failure extends StartAddress {
  /** Absent when it was not at a rung. */
  readonly rung?: number | undefined;
  readonly reason: string;
}

/**
 * The machine gave up: nothing more is dispatched, the reconciler puts back what runs, and a person is told. A part of nested
 * cross-validation that fails stops the whole.
 */
export const failRounds = async (deps: ServiceDeps, failure: Failure): Promise<void> => {
  const { study, rung, reason } = failure;
  const isHalted = await commit(deps, noRequest, () => planHalt(deps, failure), TRIES);
  if (isHalted) deps.log(alarmedEvents.roundsFailed, { study, rung: rung ?? null, reason });
};

/** The name of an error; anything else that a machine hands over stays in the log. */
const nameOf = (reason: string): string => (/^[A-Za-z.]{1,80}$/.test(reason) ? reason : "an unknown error");

const planHalt = async (deps: ServiceDeps, { study: id, generation, rung, reason }: Failure) => {
  const [failed, study, head] = await Promise.all([
    findHead(deps.store, id),
    loadStudyById(deps, wholeId(id)),
    findHead(deps.store, wholeId(id)),
  ]);
  const isCurrent = failed?.started === true && failed.generation === generation;
  if (!isCurrent || study === null || head === null || !head.started) return { changes: [], answer: false };
  const notice = {
    kind: "rounds-failed",
    ...(rung !== undefined && { rung }),
    detail: nameOf(reason),
  } as const;
  return { changes: haltChanges(study, head, false, notice), answer: true };
};
