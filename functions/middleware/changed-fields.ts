import * as z from "zod";
import { Id } from "../../shared/values.ts";

/** More than any body has of fields that its schema knows by name. */
const MOST = 40;

/**
 * What a body changes, in words short enough for a line of the audit trail: `budget.trials=80`, `executor`. A value is told only where
 * the schema allows nothing but numbers, booleans, ids or a fixed set of words; a text, a list, a map or a choice between objects is
 * named, and its content is not. So no route can put a secret there by having a field for one.
 * @param body as it was sent: what the schema does not know is left out.
 */
export const changedFields = (schema: z.ZodType, body: unknown): string[] =>
  fieldsOf(schema, body, []).slice(0, MOST);

const fieldsOf = (schema: z.ZodType, value: unknown, path: readonly string[]): string[] => {
  const inner = bare(schema);
  const name = path.join(".");
  if (inner instanceof z.ZodObject && isRecord(value)) {
    return Object.entries(inner.shape).flatMap(([key, field]) =>
      Object.hasOwn(value, key) ? fieldsOf(field as z.ZodType, value[key], [...path, key]) : [],
    );
  }
  if (path.length === 0) return [];
  return [isTold(inner, value) ? `${name}=${value}` : name];
};

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** Without what says that it may be left out, is null or has a default. */
const bare = (schema: z.ZodType): z.ZodType =>
  schema instanceof z.ZodOptional || schema instanceof z.ZodNullable || schema instanceof z.ZodDefault
    ? bare(schema.unwrap() as z.ZodType)
    : schema;

const isTold = (schema: z.ZodType, value: unknown): boolean => {
  if (value === null) return true;
  const isLimited =
    schema === Id ||
    schema instanceof z.ZodEnum ||
    schema instanceof z.ZodLiteral ||
    schema instanceof z.ZodBoolean ||
    schema instanceof z.ZodNumber;
  return isLimited && schema.safeParse(value).success;
};
