import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Trial } from "../shared/schemas/trial.ts";

/** How far a study's trials run at most. */
interface Extent {
  /** Of the unit. */
  readonly name: string;
  readonly max: number;
}

/** Decisions that are shown as examples: those on the latest trials, which were compared with most others. */
const SHOWN = 4;

/**
 * Steps that jobs printed, in the logs of the local Batch. A program goes on until it is ended, so these are a few more than those
 * that were reported.
 */
export const countSteps = (logs: string): number =>
  readdirSync(logs).reduce(
    (sum, log) => sum + (readFileSync(join(logs, log), "utf8").match(/^\{"step":/gm)?.length ?? 0),
    0,
  );

/** What a scheduler did, in lines: how many trials it pruned, what that saved, and some of its decisions in its own words. */
export const pruningLines = (trials: readonly Trial[], { name, max }: Extent, steps: number): string[] => {
  const pruned = trials.filter(({ state }) => state === "pruned");
  const all = trials.length * max;
  const saved = Math.round(100 * (1 - steps / all));
  return [
    `${pruned.length} of ${trials.length} trials were pruned: ${steps} of ${all} ${name}s were run, ${saved}% less. For example:`,
    "",
    ...pruned.slice(-SHOWN).map(({ number, reason }) => `trial ${number}  ${reason}`),
  ];
};
