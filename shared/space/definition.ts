import * as z from "zod";
import { Name, ParameterValue } from "../values.ts";
import { scaleNames, scales } from "./scale.ts";

/**
 * The search space as a client writes it. These schemas hold the shape of each parameter; what concerns several
 * fields at once (low < high, a log scale above zero, conditions that form a cycle) is checked by
 * `space/compile.ts`, which points at the offending field too.
 */

const Scale = z.enum(scaleNames);

const priorUnits = scaleNames.map((name) => `${name}, ${scales[name].priorUnit}`).join("; ");

/** Where a numeric parameter's good values are expected; truncated to its bounds. */
export const Prior = z.discriminatedUnion("type", [
  z.strictObject({ type: z.literal("uniform") }),
  z.strictObject({
    type: z.literal("normal"),
    mean: z.number().meta({ description: "In the parameter's own unit, whatever the scale." }),
    sd: z
      .number()
      .positive()
      .meta({
        description: `Its unit depends on the scale: ${priorUnits}.`,
      }),
  }),
  z.strictObject({ type: z.literal("beta"), alpha: z.number().positive(), beta: z.number().positive() }),
]);

/** The parent's values under which a child parameter exists. Several parents must all agree. */
export const When = z.record(
  Name,
  z.union([
    z.array(ParameterValue).min(1).max(256),
    z.strictObject({ low: z.number().optional(), high: z.number().optional() }),
  ]),
);

const Choice = ParameterValue;

export const FloatParameter = z.strictObject({
  type: z.literal("float"),
  low: z.number(),
  high: z.number(),
  step: z.number().positive().optional(),
  scale: Scale.optional(),
  prior: Prior.optional(),
  points: z
    .int()
    .min(1)
    .max(10_000)
    .optional()
    .meta({ description: "How many values `grid` takes from it." }),
  when: When.optional(),
});

export const IntParameter = z.strictObject({
  type: z.literal("int"),
  low: z.int(),
  high: z.int(),
  step: z.int().positive().optional(),
  scale: Scale.optional(),
  prior: Prior.optional(),
  points: z.int().min(1).max(10_000).optional(),
  when: When.optional(),
});

export const CategoricalParameter = z.strictObject({
  type: z.literal("categorical"),
  choices: z.array(Choice).min(1).max(1000),
  weights: z.array(z.number().positive()).optional(),
  when: When.optional(),
});

export const OrdinalParameter = z.strictObject({
  type: z.literal("ordinal"),
  choices: z.array(Choice).min(1).max(1000),
  weights: z.array(z.number().positive()).optional(),
  when: When.optional(),
});

export const ParameterDefinition = z.discriminatedUnion("type", [
  FloatParameter,
  IntParameter,
  CategoricalParameter,
  OrdinalParameter,
]);

/** Most parameters a space may have. */
export const MAX_PARAMETERS = 1000;

export const SpaceDefinition = z
  .record(Name, ParameterDefinition)
  .refine((space) => Object.keys(space).length > 0, "A search space needs at least one parameter.")
  .refine(
    (space) => Object.keys(space).length <= MAX_PARAMETERS,
    `A search space has at most ${MAX_PARAMETERS} parameters.`,
  );

/** `{"lr": 1, "x": 2, "max": 3}`: 1 lr + 2 x <= 3. `max` and `min` are the bounds, every other key a numeric parameter. */
export const LinearConstraint = z.record(z.string(), z.number());

/** A partial configuration that must not be tried. */
export const ForbiddenCombination = z.record(Name, ParameterValue);

export type Prior = z.infer<typeof Prior>;
export type When = z.infer<typeof When>;
export type ParameterDefinition = z.infer<typeof ParameterDefinition>;
export type SpaceDefinition = z.infer<typeof SpaceDefinition>;
export type LinearConstraint = z.infer<typeof LinearConstraint>;
export type ForbiddenCombination = z.infer<typeof ForbiddenCombination>;
