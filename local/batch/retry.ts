import type { RetryStrategy } from "./requests.ts";

/** How one attempt of a job ended, in AWS Batch's terms. */
export interface AttemptEnd {
  /** Null when the container's exit is unknown: its machine is gone, or it did not start. */
  readonly exitCode: number | null;
  /** About the container: out of memory, cannot start. */
  readonly reason: string | null;
  /** About the job: "Essential container in task exited", "Host EC2 (instance i-…) terminated." */
  readonly statusReason: string;
  /** What ended it. Time-outs and terminations are never retried. */
  readonly by: "itself" | "host" | "timeout" | "termination";
}

/**
 * Whether Batch runs the job again after its `attempt`th attempt failed. The first rule that matches decides; when there
 * are rules and none matches, the job is retried.
 */
export const retries = (strategy: RetryStrategy | undefined, attempt: number, end: AttemptEnd): boolean => {
  if (end.by === "timeout" || end.by === "termination") return false;
  if (attempt >= (strategy?.attempts ?? 1)) return false;
  const rule = strategy?.evaluateOnExit?.find(
    ({ onStatusReason, onReason, onExitCode }) =>
      matches(onStatusReason, end.statusReason) &&
      matches(onReason, end.reason ?? "") &&
      matches(onExitCode, end.exitCode === null ? "" : String(end.exitCode)),
  );
  return rule === undefined || rule.action.toUpperCase() === "RETRY";
};

/** No pattern matches everything. */
const matches = (pattern: string | undefined, text: string): boolean => {
  if (pattern === undefined) return true;
  return pattern.endsWith("*") ? text.startsWith(pattern.slice(0, -1)) : text === pattern;
};
