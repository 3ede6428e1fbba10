import { type FactsOf, wording } from "./table.ts";

/** Amounts as people read them: whole ones without decimals. */
const shown = (amount: number): string => String(Number(amount.toFixed(2)));

/** A share in percent, rounded. */
const percent = (share: number, digits: number): string => `${Number((100 * share).toPrecision(digits))}%`;

/** What a person should know about a study: why it waits, paused or ended. */
const sentences = {
  /** Written by a version of Hone that kept the words instead of the facts. */
  text: ({ text }: { text: string }) => text,
  "spending-limit": ({
    unit,
    limit,
    spent,
    each,
    reserved,
    paused,
  }: {
    unit: string;
    limit: number;
    spent: number;
    each: number;
    reserved: number;
    paused: boolean;
  }) =>
    `The budget of ${limit} ${unit} has no room for another trial: ${spent.toFixed(2)} spent, and one may take ` +
    `${each.toFixed(2)} (${reserved} in progress).${paused ? " Extend it and resume the study." : ""}`,
  "team-budget": ({
    unit,
    month,
    limit,
    spent,
    reserved,
    each,
  }: {
    unit: string;
    month: string;
    limit: number;
    spent: number;
    reserved: number;
    each: number;
  }) =>
    `The study waits: its team's budget of ${limit} ${unit} for ${month} has no room for another trial. ${shown(spent)} are spent` +
    `${reserved > 0 ? ` and ${shown(reserved)} set aside for trials that run` : ""}, one may take ${shown(each)}: ` +
    `${shown(spent + reserved + each - limit)} too many. It goes on by itself when running trials have used less, when an owner raises ` +
    "the limit, or when the next month begins (UTC).",
  "infra-failure": ({ trial, detail, paused }: { trial: number; detail: string; paused: boolean }) =>
    `Trial ${trial}: infra: ${detail}${/[.?!]$/.test(detail) ? "" : "."}${paused ? " Fix it and resume the study." : ""}`,
  "rounds-failed": ({ rung, detail }: { rung?: number; detail: string }) =>
    `The rounds failed${rung === undefined ? "" : ` at rung ${rung}`} (${detail}). Start the study again to continue.`,
  "rounds-ended": () => "The rounds were stopped from outside Hone. Start the study again to continue.",
  "revision-changed": ({ name, began, now }: { name: string; began: number; now: number }) =>
    `${name} has changed since this study began (revision ${began}, now ${now}).`,
  "space-exhausted": ({ left, failed }: { left: number; failed: number }) =>
    `Every configuration of the search space has been tried, so ${left} trials of the budget are left.` +
    (failed > 0 ? ` ${failed} trials failed; enqueue their configurations to try them again.` : "") +
    " A study whose `repeats` says so tries failed or noisy configurations again by itself.",
  "race-over": ({ left }: { left: number }) =>
    `The races are over: the ${left} trials that are left of the budget would change nothing. A larger budget lets them go on.`,
  "no-checkpoint": ({ trial, hours }: { trial: number; hours: number }) =>
    `An attempt of trial ${trial} ran for ${hours.toFixed(1)} hours and no trial has saved a checkpoint, so all that a trial has done is lost when its Spot instance is reclaimed. Save to HONE_CHECKPOINT_OUT and print {"checkpoint": true}.`,
  "segments-unsaved": ({ segments }: { segments: number }) =>
    `The last ${segments} segments that completed left no checkpoint, so that each was followed by a new run. Name the checkpoint of a segment's end in its tell, or in the report before.`,
  "little-to-gain": ({ trials, gain }: { trials: number; gain: number }) =>
    `After ${trials} trials the resource of another full run is expected to improve the best result by ` +
    `${percent(gain, 1)} of what it is ahead of the median trial. Stop the study if that is not worth the cost.`,
  "not-worth-more": ({ trials, gain, least }: { trials: number; gain: number; least: number }) =>
    `The study ended after ${trials} trials: the resource of another full run was expected to improve the best result by ` +
    `${percent(gain, 1)} of what it is ahead of the median trial, which is less than its \`leastGain\` of ${percent(least, 6)}.`,
  "none-at-top": ({ unit, top, reached }: { unit: string; top: number; reached: number | null }) =>
    `No trial came to ${unit} ${top}.${reached === null ? "" : ` The best is of ${unit} ${reached}, the furthest with a result.`}`,
  "earlier-useless": ({ studies }: { studies: readonly string[] }) =>
    `None of the results of ${studies.join(", ")} could be used: \`warmStart\` says why.`,
  "folds-failed": ({ failed, folds }: { failed: number; folds: number }) =>
    `Of ${folds} outer folds ${failed} ${failed === 1 ? "has" : "have"} no outer score: no trial of the search completed, or the winner's refit failed. ` +
    "The mean is that of the others.",
  "searches-ended": ({ ended, folds }: { ended: number; folds: number }) =>
    `Of ${folds} outer folds the searches of ${ended} ended before their budget was spent, because a further trial was expected to gain less than \`leastGain\`.`,
  "plain-credentials": ({ names }: { names: readonly string[] }) =>
    `What looks like credentials stands in executor.environment, in plain text: ${names.join(", ")}. ` +
    "Whoever may change the study or describe its jobs reads it. Keep it in Secrets Manager or the SSM Parameter Store, and name it in executor.secrets.",
  "none-feasible": () => "No completed trial is within the limits of `outcomes`, so there is no best one.",
};

export type Notice = FactsOf<typeof sentences>;

export const noticeSentence = wording(sentences);
