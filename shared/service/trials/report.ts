import { StaleAttempt } from "../../errors.ts";
import type { HeartbeatBody, ReportBody, ReportReply } from "../../schemas/trial.ts";
import { newReport } from "../../store/report.ts";
import { ConditionFailed } from "../../store/store.ts";
import { changeTrial, type TrialItem } from "../../store/trial.ts";
import { finiteOnly } from "../../study/outcome.ts";
import type { LoadedStudy } from "../../study/study.ts";
import { timestamp } from "../../study/view.ts";
import type { ServiceDeps, WriteContext } from "../core/deps.ts";
import { once } from "../core/once.ts";
import { findTrial } from "./tell.ts";

const MAX_TRIES = 5;

/**
 * Records an intermediate value, extends the lease and says whether to go on. The same step told again replaces it.
 * @throws StaleAttempt when the attempt no longer owns the trial.
 */
export const reportTrial = (
  deps: ServiceDeps,
  study: LoadedStudy,
  number: number,
  body: ReportBody,
  write: WriteContext,
): Promise<ReportReply> => extendLease(deps, study, number, body, write);

/** Extends the lease without a value. */
export const heartbeatTrial = (
  deps: ServiceDeps,
  study: LoadedStudy,
  number: number,
  body: HeartbeatBody,
  write: WriteContext,
): Promise<ReportReply> => extendLease(deps, study, number, body, write);

const extendLease = (
  deps: ServiceDeps,
  study: LoadedStudy,
  number: number,
  body: ReportBody | HeartbeatBody,
  write: WriteContext,
): Promise<ReportReply> =>
  once(deps, write, async (acknowledge) => {
    for (let attempt = 1; ; attempt++) {
      const trial = await findTrial(deps, study, number);
      refuseStale(trial, body.attempt);
      const now = deps.clock();
      const leaseExpires = now + study.spec.lease.seconds * 1000;
      const reply: ReportReply = { ...decide(study), leaseExpires: timestamp(leaseExpires) };
      const report = "step" in body ? [newReport(trial, body.step, finiteOnly(body.values), now)] : [];
      const change = changeTrial(trial, {
        leaseExpires,
        ...(body.checkpoint !== undefined && { checkpoint: body.checkpoint }),
      });
      try {
        await deps.store.transact([change, ...report, ...acknowledge(reply)]);
        return reply;
      } catch (error) {
        if (!(error instanceof ConditionFailed && error.names.has("trial")) || attempt >= MAX_TRIES)
          throw error;
      }
    }
  });

const refuseStale = (trial: TrialItem, attempt: number): void => {
  if (trial.attempt !== attempt || trial.state !== "running") {
    throw new StaleAttempt(
      trial.number,
      attempt,
      trial.attempt === attempt ? trial.attempt + 1 : trial.attempt,
    );
  }
};

const decide = (study: LoadedStudy): Pick<ReportReply, "decision" | "reason"> => ({
  decision: "continue",
  reason:
    study.spec.scheduler.name === "none"
      ? "no scheduler: every trial runs to its end"
      : "sha decides when a rung is complete, not within a run",
});
