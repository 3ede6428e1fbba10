import * as z from "zod";
import type { FieldError } from "../errors.ts";
import { Name } from "../values.ts";

/** The resource of a study whose scheduler compares trials at rungs. */
export const Resource = z.strictObject({
  name: Name,
  min: z.int().min(1),
  max: z.int().min(1).max(1_000_000_000),
});
export type Resource = z.infer<typeof Resource>;

export const Eta = z
  .int()
  .min(2)
  .max(16)
  .meta({ description: "Of the trials of a rung, one in so many goes on; 3 by default." });
export const DEFAULT_ETA = 3;

/** Resource per rung, in the study's unit: min, min * eta, ... and max at the top. */
export const ladder = (min: number, max: number, eta: number): number[] => {
  const rungs: number[] = [];
  for (let resource = min; resource < max; resource *= eta) rungs.push(resource);
  return [...rungs, max];
};

/** What is wrong with a resource. */
export const checkResource = ({ min, max }: Resource): FieldError[] =>
  min > max ? [{ pointer: "/scheduler/resource/min", fault: { kind: "min-above-max", min, max } }] : [];

/** The ladders of a study, of which each trial climbs one. */
export interface Brackets {
  /** The bracket of a trial. @param ordinal from 0, in the order in which the study's trials were created. */
  of(ordinal: number): number;
  /** Resource per rung of a bracket, rising; the same `max` at the top of each. */
  resources(bracket: number): readonly number[];
  /** How many brackets the first trials are in. @param trials how many there are. */
  count(trials: number): number;
  /** The first of them whose trials may still go on, so that those of long ago need not be read. */
  first(trials: number): number;
  /** Which trials begin in a bracket, where all of them are awaited: ordinals from the first to before the second. */
  range(bracket: number): readonly [number, number];
}

/** One ladder for all. */
export const oneBracket = (resources: readonly number[]): Brackets => ({
  of: () => 0,
  resources: () => resources,
  count: () => 1,
  first: () => 0,
  range: () => [0, Number.POSITIVE_INFINITY],
});

/** How many trials of a complete rung go on to the next one: at least one, so that some trial reaches the top. */
export const promotedOf = (members: number, eta: number): number => Math.max(1, Math.floor(members / eta));
