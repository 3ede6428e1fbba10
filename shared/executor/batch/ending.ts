import type { BatchJob } from "../../schemas/batch-event.ts";
import { type Reason, reasonSentence } from "../../sentences/reasons.ts";

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
  /** It never ran: no image, no machine. `forAll`: nor will any other job of the study, until somebody has seen to it. */
  | { readonly kind: "not-started"; readonly reason: string; readonly forAll: boolean };

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

/** What AWS says of a job's end, in its own words: for the log alone, because they name accounts, machines and resources. */
export const textsOf = (job: BatchJob): { readonly status: string; readonly detail: string } => {
  const last = job.attempts?.at(-1);
  return {
    status: job.statusReason ?? last?.statusReason ?? "",
    detail: (job.container ?? last?.container)?.reason ?? "",
  };
};

/** AWS Batch does not promise these texts: whatever is unknown counts as a failure of the program. The reasons are Hone's own. */
export const endingOf = (job: BatchJob): Ending => {
  if (job.status === "SUCCEEDED") return { kind: "succeeded" };
  const exitCode = (job.container ?? job.attempts?.at(-1)?.container)?.exitCode;
  const { status, detail } = textsOf(job);

  if (/exceeded timeout/i.test(status))
    return { kind: "timeout", reason: reasonSentence({ kind: "timed-out" }) };
  if (status.startsWith(OUR_TERMINATION))
    return { kind: "interrupted", reason: reasonSentence({ kind: "ended-by-hone" }) };
  if (status.startsWith("Host EC2"))
    return { kind: "interrupted", reason: reasonSentence({ kind: "machine-lost" }) };
  if (/OutOfMemory/i.test(detail))
    return { kind: "failed", reason: reasonSentence({ kind: "out-of-memory" }) };
  if (job.startedAt === undefined || NOT_STARTED.test(detail)) {
    const why = whyNotStarted(status, detail);
    return { kind: "not-started", reason: reasonSentence(why), forAll: why.kind === "secret-unread" };
  }
  if (exitCode === TRY_AGAIN)
    return { kind: "interrupted", reason: reasonSentence({ kind: "asked-to-repeat" }) };
  if (exitCode === TERMINATED) return { kind: "interrupted", reason: reasonSentence({ kind: "terminated" }) };
  if (exitCode === KILLED) return { kind: "failed", reason: reasonSentence({ kind: "killed" }) };
  const reason =
    exitCode === undefined
      ? ({ kind: "ended-unknown" } as const)
      : ({ kind: "exit-code", code: exitCode } as const);
  return { kind: "failed", reason: reasonSentence(reason) };
};

const NOT_STARTED = /Cannot(PullContainer|StartContainer|CreateContainer)/;

/** Why a container never ran, as far as Batch's texts are known. */
const whyNotStarted = (status: string, detail: string): Reason => {
  const text = `${detail} ${status}`;
  // First, because this text goes on with the names of secrets.
  if (/Fetching secret data|retrieve secrets? from (asm|ssm)|json key/i.test(text))
    return { kind: "secret-unread" };
  if (/CannotPull|pull access|image .*not found|manifest/i.test(text)) return { kind: "image-not-pulled" };
  if (/Cannot(Start|Create)Container/.test(text)) return { kind: "container-not-started" };
  if (/ResourceInitialization/i.test(text)) return { kind: "not-prepared" };
  if (/INSUFFICIENT_INSTANCE_CAPACITY/.test(text)) return { kind: "no-capacity" };
  if (/MISCONFIGURATION|MAX_RESOURCE|RESOURCE_REQUIREMENT/.test(text)) return { kind: "no-such-machine" };
  return { kind: "not-started-unknown" };
};
