import type { Trial } from "../shared/schemas/trial.ts";

/** How far a study's trials run at most. */
interface Extent {
  /** Of the unit. */
  readonly name: string;
  readonly max: number;
}

/** Decisions that are shown as examples: those on the latest trials, which were compared with most others. */
const SHOWN = 4;

/** What a scheduler did, in lines: how many trials it pruned, what that saved, and some of its decisions in its own words. */
export const pruningLines = (trials: readonly Trial[], { name, max }: Extent): string[] => {
  const pruned = trials.filter(({ state }) => state === "pruned");
  const all = trials.length * max;
  const saved = pruned.reduce((sum, { measuredAt }) => sum + max - (measuredAt ?? 0), 0);
  const share = all === 0 ? 0 : Math.round((100 * saved) / all);
  const examples = pruned.slice(-SHOWN).map(({ number, reason }) => `  trial ${number}, ${reason}`);
  return [
    `${pruned.length} of ${trials.length} trials were pruned: ${saved} of ${all} ${name}s less (${share}%). For example:`,
    "",
    ...examples,
  ];
};
