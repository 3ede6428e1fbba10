import * as z from "zod";
import type { FieldError } from "../../errors.ts";
import type { OptionsOf, Problem } from "../algorithm.ts";
import { bitsOf } from "./bits.ts";

export const options = {
  stages: z.int().min(1).max(10).optional(),
  samples: z.int().min(10).max(10_000).optional().meta({ description: "Trials per stage." }),
  degree: z.int().min(1).max(3).optional(),
  monomials: z.int().min(1).max(10).optional().meta({ description: "Monomials kept per stage." }),
};

export type Options = OptionsOf<typeof options>;

/** The reference's defaults; with a small budget there are fewer samples. */
const DEFAULTS = { stages: 3, samples: 300, degree: 3, monomials: 5 } as const;
/** With a small budget all stages together use this part of it; a stage needs at least some trials to learn from. */
const SHARE = 0.6;
const FEWEST = 20;

/** Products of bits times trials that one ask may evaluate: about ten seconds. */
const MOST_WORK = 5e8;

/** The options with their defaults filled in. */
export const settingsOf = (given: Options, { budget }: Problem): Required<Options> => {
  const { stages, degree, monomials } = { ...DEFAULTS, ...given };
  const share = Math.max(FEWEST, Math.floor((SHARE * budget.trials) / stages));
  const samples = given.samples ?? Math.min(DEFAULTS.samples, share);
  return { stages, samples, degree, monomials };
};

/** Refuses a polynomial that is too large to fit within an ask. */
export const check = (given: Options, { space }: Problem): FieldError[] => {
  // The budget may be raised while the study runs, so the default is the largest number of samples.
  const { degree, samples } = { ...DEFAULTS, ...given };
  const bits = bitsOf(space).count;
  if (productsOf(bits, degree) * samples <= MOST_WORK) return [];
  return [{ pointer: "/degree", fault: { kind: "harmonica-too-slow", bits, degree, samples } }];
};

/** Products of 1 to `degree` of so many bits. */
const productsOf = (bits: number, degree: number): number => {
  let products = 0;
  for (let k = 1, choose = 1; k <= degree; k++) {
    choose *= (bits - k + 1) / k;
    products += choose;
  }
  return products;
};
