import type { BatchJob } from "../../schemas/batch-event.ts";
import { reasonSentence } from "../../sentences/reasons.ts";

/** How a job ended, read from what AWS Batch says of it. */
export type Ending =
  /** Exit code 0. */
  | { readonly kind: "succeeded" }
  /** Not the program's fault: the machine went away, or somebody ended the job. The trial gets another attempt. */
  | { readonly kind: "interrupted"; readonly reason: string }
  /** It ran longer than the study allows. */
  | { readonly kind: "timeout"; readonly reason: string }
  /** The program ran and failed. */
  | { readonly kind: "failed"; readonly reason: string }
  /** It never ran: no image, no machine. */
  | { readonly kind: "not-started"; readonly reason: string };

/** What our own TerminateJob gives as the reason begins with this. */
export const OUR_TERMINATION = "hone:";

/** The container asks for another attempt (EX_TEMPFAIL): the runner exits so when the machine is taken away. */
const TRY_AGAIN = 75;
/** Ended by SIGTERM, and by SIGKILL. */
const TERMINATED = 143;
const KILLED = 137;

export const hasEnded = (job: BatchJob): boolean => job.status === "SUCCEEDED" || job.status === "FAILED";

/** Seconds the job's container ran; 0 when it never did. @param now milliseconds since 1970, for one that still runs. */
export const secondsRun = (job: BatchJob, now: number): number =>
  job.startedAt === undefined ? 0 : Math.max(0, Math.ceil(((job.stoppedAt ?? now) - job.startedAt) / 1000));

/** AWS Batch does not promise these texts: whatever is unknown counts as a failure of the program. */
export const endingOf = (job: BatchJob): Ending => {
  if (job.status === "SUCCEEDED") return { kind: "succeeded" };
  const last = job.attempts?.at(-1);
  const container = job.container ?? last?.container;
  const exitCode = container?.exitCode;
  const detail = container?.reason ?? "";
  const status = job.statusReason ?? last?.statusReason ?? "";
  const reason = clip(detail || status || "AWS Batch gave no reason");

  if (/exceeded timeout/i.test(status)) {
    return { kind: "timeout", reason: reasonSentence({ kind: "timed-out" }) };
  }
  if (status.startsWith(OUR_TERMINATION)) return { kind: "interrupted", reason: clip(status) };
  if (status.startsWith("Host EC2"))
    return { kind: "interrupted", reason: reasonSentence({ kind: "machine-lost", detail: clip(status) }) };
  if (/OutOfMemory/i.test(detail)) {
    return { kind: "failed", reason: reasonSentence({ kind: "out-of-memory" }) };
  }
  if (job.startedAt === undefined || /Cannot(PullContainer|StartContainer|CreateContainer)/.test(detail)) {
    return { kind: "not-started", reason };
  }
  if (exitCode === TRY_AGAIN)
    return { kind: "interrupted", reason: reasonSentence({ kind: "asked-to-repeat" }) };
  if (exitCode === TERMINATED)
    return { kind: "interrupted", reason: reasonSentence({ kind: "terminated", detail: reason }) };
  if (exitCode === KILLED) {
    return { kind: "failed", reason: reasonSentence({ kind: "killed" }) };
  }
  return {
    kind: "failed",
    reason: exitCode === undefined ? reason : reasonSentence({ kind: "exit-code", code: exitCode }),
  };
};

const clip = (text: string) => (text.length > 400 ? `${text.slice(0, 400)}...` : text);
