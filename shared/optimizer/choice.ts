import * as z from "zod";
import type { FieldError } from "../errors.ts";
import type { Algorithm, FirstRace, Problem } from "./algorithm.ts";
import { type AlgorithmName, algorithms } from "./registry.ts";

/** 32 bits, so that every language can repeat it. */
export const Seed = z.int().min(0).max(4294967295);

type ChoiceOf<Name extends AlgorithmName> =
  (typeof algorithms)[Name] extends Algorithm<infer Schemas>
    ? z.ZodObject<{ name: z.ZodLiteral<Name>; seed: z.ZodOptional<typeof Seed> } & Schemas, z.core.$strict>
    : never;
type AnyChoice = { [Name in AlgorithmName]: ChoiceOf<Name> }[AlgorithmName];

const choices = Object.values(algorithms).map(({ name, options }) =>
  z.strictObject({ name: z.literal(name), seed: Seed.optional(), ...options }),
);

/**
 * An algorithm and its options, as a study asks for them: of each algorithm of the registry its name, a seed and its own
 * options. The type says the same as the values: a mapped type cannot be inferred from a loop over the registry.
 */
export const AlgorithmChoice = z.discriminatedUnion(
  "name",
  choices as unknown as [AnyChoice, ...AnyChoice[]],
);

export type AlgorithmChoice = z.infer<typeof AlgorithmChoice>;

/** The algorithm that a choice names. Its options fit this algorithm: the schema of the choice ensures it. */
export const algorithmOf = ({ name }: AlgorithmChoice): Algorithm => algorithms[name];

/**
 * What is wrong with the options of a choice on a problem, beyond what its schema checks.
 * @returns faults whose pointers begin at the choice: "/degree".
 */
export const checkChoice = (choice: AlgorithmChoice, problem: Problem): readonly FieldError[] =>
  algorithmOf(choice).check?.(choice, problem) ?? [];

/** A choice with the defaults that depend on the study as it is created. */
export const completeChoice = (choice: AlgorithmChoice, problem: Problem): AlgorithmChoice => ({
  ...choice,
  ...algorithmOf(choice).complete?.(choice, problem),
});

/** How configurations of the client enter the first race; null where nothing races. */
export const firstRaceOf = (choice: AlgorithmChoice, problem: Problem, seed: number): FirstRace | null =>
  algorithmOf(choice).firstRace?.(choice, problem, seed) ?? null;

/** Whether trials of a study with this choice are segments that go on from one another. */
export const continues = (choice: AlgorithmChoice): boolean => algorithmOf(choice).continues === true;
