import * as z from "zod";
import { ID } from "./patterns.ts";

/** Team, study, sweep: lower case, safe in a path, a key and a job name. */
export const Id = z
  .string()
  .regex(
    new RegExp(`^${ID}$`),
    "Use 3 to 63 lower-case letters, digits and hyphens, starting with a letter or digit.",
  )
  .meta({ description: "3 to 63 lower-case letters, digits and hyphens." });

const UNSAFE_NAMES = new Set(["__proto__", "constructor", "prototype"]);

/** A parameter, metric or worker: what may be a key of a JSON object in any language. */
export const Name = z
  .string()
  .regex(/^[A-Za-z0-9_.-]{1,64}$/, "Use 1 to 64 letters, digits, underscores, dots and hyphens.")
  .refine((name) => !UNSAFE_NAMES.has(name), "This name is reserved. Choose another.");

/** An integer that JSON carries exactly. */
export const SafeInt = z.int();

export const Timestamp = z.iso.datetime().meta({ description: "UTC, RFC 3339." });

/** A metric's value as told: a finite double, or the strings by which a program says that it failed. */
export const MetricValue = z.union([z.number(), z.enum(["nan", "inf", "-inf"])]);

/** Values keyed by metric, never bare numbers. */
export const MetricValues = z.record(Name, MetricValue);

/** Values as stored and answered: always finite. */
export const FiniteValues = z.record(Name, z.number());

/** A value of a parameter: float and int are numbers, categorical and ordinal are one of their choices. */
export const ParameterValue = z.union([z.number(), z.string().max(256), z.boolean(), z.null()]);

/** A configuration: the active parameters and their values. */
export const Params = z.record(Name, ParameterValue);

export const Cursor = z
  .string()
  .max(1024)
  .meta({ description: "Opaque: give back the cursor of the last page." });

/** A number in a query is text: only plain digits are read, not all that JavaScript reads as a number. */
export const Limit = z
  .string()
  .regex(/^[0-9]{1,15}$/, "Write a whole number from 1 to 1000 in digits.")
  .transform(Number)
  .pipe(z.int().min(1).max(1000));

export type Params = z.infer<typeof Params>;
export type ParameterValue = z.infer<typeof ParameterValue>;
export type FiniteValues = z.infer<typeof FiniteValues>;
export type MetricValues = z.infer<typeof MetricValues>;
