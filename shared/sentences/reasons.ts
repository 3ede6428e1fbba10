import { type FactsOf, wording } from "./table.ts";

/** A rung in words, as "rung 1 (epoch 3)". */
interface RungFacts {
  readonly rung: number;
  readonly unit: string;
  readonly resource: number;
}

/** How a trial compares at a rung. */
interface RankFacts extends RungFacts {
  readonly rank: number;
  readonly of: number;
  readonly goOn: number;
  /** The value of the last one that goes on, as the study's objective has it; null when there is none to tell. */
  readonly threshold?: number | null;
}

const ranked = ({ rank, of, goOn, threshold, ...rung }: RankFacts): string =>
  `${rungName(rung)}: ${ordinal(rank)} of ${of}, the first ${goOn} go on${thresholdOf(threshold ?? null)}`;

const thresholdOf = (threshold: number | null): string =>
  threshold === null ? "" : ` (threshold ${Number(threshold.toPrecision(6))})`;

const rungName = ({ rung, unit, resource }: RungFacts) => `rung ${rung} (${unit} ${resource})`;

const ordinal = (n: number): string => {
  const isTeen = n % 100 >= 11 && n % 100 <= 13;
  return `${n}${isTeen ? "th" : (["th", "st", "nd", "rd"][n % 10] ?? "th")}`;
};

/** Why a trial failed, was pruned or waits, and why a report was answered as it was. */
const sentences = {
  // Schedulers.
  "no-scheduler": () => "no scheduler: every trial runs to its end",
  "decided-in-rounds": ({ scheduler }: { scheduler: string }) =>
    `${scheduler} decides when a rung is complete, not within a run`,
  heartbeat: () => "the lease was extended",
  "rung-incomplete": (facts: RungFacts) => `${rungName(facts)}: waits for the other trials`,
  "rung-rank": (facts: RankFacts) => ranked(facts),
  "rung-waits": (facts: RankFacts) => `${ranked(facts)}; waits for its turn`,
  "not-promoted": ({ rung }: { rung: number }) =>
    `paused at rung ${rung} and not among those that went on until the study's end`,
  "rung-too-few": ({ of, needed, ...rung }: RungFacts & { of: number; needed: number }) =>
    `${rungName(rung)}: ${ordinal(of)} to come, nobody is compared before ${needed} have`,
  "above-median": (facts: RankFacts) => `${ranked(facts)}: above the median`,
  "below-median": (facts: RankFacts) => `${ranked(facts)}: its best value is worse than the median`,
  "before-rung": ({ unit, next }: { unit: string; next: number | null }) =>
    next === null ? `not compared again before its last ${unit}` : `not compared before ${unit} ${next}`,
  "objective-missing": () => "not compared: the report has no value of an objective",

  // Ends of attempts.
  "lease-expired": () => "The lease expired without a report, heartbeat or tell.",
  "attempts-lost": ({ lost, last }: { lost: number; last: string }) =>
    `All ${lost} attempts were lost; the last one: ${last}`,
  "study-stopped": () => "The study was stopped.",
  "metric-not-finite": ({ metric, told }: { metric: string; told: string }) =>
    `The metric ${metric} was told as "${told}".`,

  // Ends of jobs.
  infra: ({ detail }: { detail: string }) => `infra: ${detail}`,
  "never-claimed": () =>
    "the job ended well but never claimed its attempt. Does the image's command go through `hone exec`?",
  "ended-before-claim": ({ detail }: { detail: string }) =>
    `the job ended before it claimed its attempt: ${detail}`,
  "no-result": () => "no-result: the job ended well without telling a result.",
  "timed-out": () => "timeout: The job ran longer than executor.timeoutSeconds.",
  "job-forgotten": () => "AWS Batch no longer knows the job.",
  "machine-lost": () => "The instance was lost: Spot reclaimed it, or it failed.",
  "ended-by-hone": () => "Hone ended the job.",
  "out-of-memory": () => "Out of memory (exit code 137). Raise executor.memoryMiB.",
  "asked-to-repeat": () => "The program asked to be run again (exit code 75).",
  terminated: () => "The job was terminated (exit code 143).",
  "image-not-pulled": () =>
    "The image could not be pulled. Check its name and tag in executor.image, and that this account may read its registry.",
  "container-not-started": () =>
    "The container could not be started. Check executor.command and the image's entry point.",
  "secret-unread": () =>
    "A secret of executor.secrets could not be read. Check that each exists under its name in this account and Region, has the key that is asked for, and may be read by the role that starts jobs.",
  "not-prepared": () =>
    "The container could not be prepared: what it needs, such as a network, was not there.",
  "no-capacity": () =>
    "No instance became free in time. Start the study again later, or ask for a smaller size.",
  "no-such-machine": () =>
    "No instance of this deployment is large enough for the job. Lower executor.vcpus, executor.memoryMiB or executor.gpus.",
  "not-started-unknown": () =>
    "AWS Batch did not start the job. Its own words are in the deployment's log (batch-text).",
  "ended-unknown": () =>
    "The job failed without an exit code. What AWS Batch says of it is in the deployment's log (batch-text).",
  "definition-refused": () =>
    "AWS Batch does not find the study's job definition or the job queue. Stop the study and start it again.",
  "access-refused": () => "Hone may not submit this job in the account. Ask whoever runs the deployment.",
  "job-refused": () => "AWS Batch refused the job. Its own words are in the deployment's log (submitted).",
  killed: () => "Killed (exit code 137), which usually means that the container ran out of memory.",
  "exit-code": ({ code }: { code: number }) => `exit code ${code}`,
};

export type Reason = FactsOf<typeof sentences>;

export const reasonSentence = wording(sentences);
