import type { NestedResult } from "../shared/schemas/nested.ts";
import { aligned } from "./table.ts";

const HEADER = ["fold", "state", "trials", "winner", "inner", "refit", "outer"];

/** Nested cross-validation as lines: a row for each outer fold, and what they come to. */
export const shownNested = ({ folds, scored, ...result }: NestedResult): string[] => {
  const isRepeated = folds.some(({ repeat }) => repeat > 0);
  const rows = folds.map(({ repeat, outer, state, trials, winner, refit, innerScore, outerScore }) => [
    isRepeated ? `${repeat}.${outer}` : String(outer),
    state,
    String(trials),
    winner === null ? "-" : `trial ${winner}`,
    shown(innerScore),
    refit === null ? "-" : `trial ${refit}`,
    shown(outerScore),
  ]);
  return [...aligned([HEADER, ...rows]), ...(scored === 0 ? [] : summary({ scored, ...result }))];
};

const summary = ({
  scored,
  mean,
  sd,
  standardError,
  innerMean,
  gap,
}: Omit<NestedResult, "folds">): string[] => [
  `outer score ${shown(mean)}, standard deviation ${shown(sd)}, standard error ${shown(standardError)} (${scored} ${scored === 1 ? "fold" : "folds"})`,
  `inner score ${shown(innerMean)}, optimism gap ${shownBeside(mean, gap)}`,
];

const DIGITS = 4;
const shown = (value: number | null): string => (value === null ? "-" : value.toPrecision(DIGITS));

/** A difference of scores, to the last digit of the score: what is less is rounding. */
const shownBeside = (score: number | null, difference: number | null): string => {
  const places = shown(score).split(".")[1]?.length;
  if (difference === null || places === undefined || shown(score).includes("e")) return shown(difference);
  const rounded = Number(difference.toFixed(places));
  // Not minus nothing.
  return (rounded === 0 ? 0 : rounded).toFixed(places);
};
