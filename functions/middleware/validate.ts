import type { core, z } from "zod";
import { type FieldError, InvalidInput } from "../../shared/errors.ts";
import { pointerTo } from "../../shared/json-pointer.ts";

/** Most errors in one reply; a body of 256 KiB can have tens of thousands. */
const MAX_FAULTS = 20;
const MAX_QUOTED = 64;

/**
 * Checks a body or a query against its schema.
 * @throws InvalidInput with a JSON pointer to every error and how to fix it.
 */
export const validate = <S extends z.ZodType>(schema: S, value: unknown): z.output<S> => {
  const known = new Map<readonly string[], readonly string[]>();
  const result = schema.safeParse(value, { error: (issue) => words(issue, known) });
  if (result.success) return result.data;
  const { issues } = result.error;
  const faults = issues.flatMap((issue) => faultsOf(issue, known)).slice(0, MAX_FAULTS);
  const isUnsafe = issues[0] !== undefined && isUnsafeInteger(issues[0]);
  throw new InvalidInput(faults, isUnsafe ? "unsafe-integer" : "invalid-input");
};

/** The known keys of an object, by the list of unknown keys in its issue, because the issue does not contain them. */
type KnownKeys = Map<readonly string[], readonly string[]>;

type Issue = core.$ZodIssue;

const faultsOf = (issue: Issue, known: KnownKeys, above: readonly PropertyKey[] = []): FieldError[] => {
  const path = [...above, ...issue.path];
  if (issue.code === "unrecognized_keys") {
    return issue.keys.slice(0, MAX_FAULTS).map((key) => ({
      pointer: pointerTo([...path, key]),
      fault: text(unknownField(key, known.get(issue.keys) ?? [])),
    }));
  }
  if (issue.code === "invalid_union" && issue.errors.length > 0) {
    return closest(issue.errors).flatMap((branch) => faultsOf(branch, known, path));
  }
  if (issue.code === "invalid_key") {
    const detail = issue.issues[0]?.message ?? issue.message;
    return [{ pointer: pointerTo(path), fault: text(`The name ${quote(String(path.at(-1)))}: ${detail}`) }];
  }
  return [{ pointer: pointerTo(path), fault: text(issue.message) }];
};

const text = (words: string) => ({ kind: "text", text: words }) as const;

/**
 * The errors of the branch of a union that the caller probably meant: the one whose errors are deepest. If all branches fail at
 * the root with a wrong type, one message names all expected types.
 */
const closest = (branches: readonly (readonly Issue[])[]): readonly Issue[] => {
  const depth = (branch: readonly Issue[]) => Math.max(...branch.map((issue) => issue.path.length));
  const deepest = branches.reduce((best, branch) => (depth(branch) > depth(best) ? branch : best));
  if (
    depth(deepest) > 0 ||
    deepest.some((issue) => issue.code !== "invalid_type" && issue.code !== "invalid_value")
  )
    return deepest;
  const wanted = [...new Set(branches.flatMap((branch) => branch.map(expectation)))].join(" or ");
  const [first] = deepest;
  return first === undefined ? [] : [{ ...first, message: `Expected ${wanted}.` }];
};

const expectation = (issue: Issue): string => {
  if (issue.code === "invalid_type") return a(issue.expected);
  if (issue.code === "invalid_value") return oneOf(issue.values);
  return issue.message;
};

/** Says what is wrong and what is expected. Messages in the schemas take precedence. */
const words = (issue: core.$ZodRawIssue, known: KnownKeys): string | undefined => {
  switch (issue.code) {
    case "invalid_type":
      if (issue.input === undefined) return `This field is missing; ${a(issue.expected)} is expected.`;
      return `Expected ${a(issue.expected)}, not ${nameOf(issue.input)}.`;
    case "invalid_value":
      return `Expected ${oneOf(issue.values)}.`;
    case "invalid_union":
      return Array.isArray(issue.options) ? `Expected ${oneOf(issue.options)}.` : undefined;
    case "too_small":
      return `Expected ${bound(issue, issue.inclusive === false ? "more than" : "at least", issue.minimum)}.`;
    case "too_big":
      return `Expected ${bound(issue, issue.inclusive === false ? "less than" : "at most", issue.maximum)}.`;
    case "unrecognized_keys":
      known.set(issue.keys, keysOf(issue.inst));
      return "Unknown field.";
    default:
      return undefined;
  }
};

const bound = (issue: { origin: string }, relation: string, limit: number | bigint) => {
  const unit = { string: " characters", array: " items" }[issue.origin] ?? "";
  return `${relation} ${limit}${unit}`;
};

const keysOf = (schema: core.$ZodRawIssue["inst"]): readonly string[] => {
  const def: object | undefined = schema?._zod.def;
  return def !== undefined && "shape" in def && typeof def.shape === "object"
    ? Object.keys(def.shape ?? {})
    : [];
};

const unknownField = (key: string, known: readonly string[]): string => {
  const nearest = (key.length > MAX_QUOTED ? [] : known)
    .map((name) => ({ name, distance: editDistance(key.toLowerCase(), name.toLowerCase()) }))
    .sort((one, other) => one.distance - other.distance)[0];
  if (nearest !== undefined && nearest.distance <= furthest(nearest.name))
    return `There is no field ${quote(key)} here. Did you mean ${quote(nearest.name)}?`;
  return known.length === 0
    ? `There is no field ${quote(key)} here.`
    : `There is no field ${quote(key)} here. The fields are ${known.join(", ")}.`;
};

const furthest = (name: string) => (name.length <= 3 ? 1 : Math.max(2, Math.floor(name.length / 3)));

/** Number of letters to insert, delete, replace or swap with their neighbour to turn one word into another. */
const editDistance = (from: string, to: string): number => {
  const rows = [Array.from({ length: to.length + 1 }, (_, j) => j)];
  for (let i = 1; i <= from.length; i++) {
    const [above, row] = [rows[i - 1]!, [i]];
    for (let j = 1; j <= to.length; j++) {
      const replaced = above[j - 1]! + (from[i - 1] === to[j - 1] ? 0 : 1);
      const isSwapped = i > 1 && j > 1 && from[i - 1] === to[j - 2] && from[i - 2] === to[j - 1];
      const swapped = isSwapped ? rows[i - 2]![j - 2]! + 1 : replaced;
      row.push(Math.min(replaced, swapped, above[j]! + 1, row[j - 1]! + 1));
    }
    rows.push(row);
  }
  return rows[from.length]![to.length]!;
};

const isUnsafeInteger = (issue: Issue) =>
  (issue.code === "too_big" && issue.maximum === Number.MAX_SAFE_INTEGER) ||
  (issue.code === "too_small" && issue.minimum === Number.MIN_SAFE_INTEGER);

/** Quotes at most 64 characters of the input. */
const quote = (text: string) =>
  JSON.stringify(text.length > MAX_QUOTED ? `${text.slice(0, MAX_QUOTED)}…` : text);

const NAMES: Readonly<Record<string, string>> = {
  int: "a whole number",
  number: "a number",
  string: "a string",
  boolean: "true or false",
  array: "a list",
  object: "an object",
  record: "an object",
};

const a = (type: string) => NAMES[type] ?? type;

const oneOf = (values: readonly unknown[]): string =>
  values.length === 1
    ? JSON.stringify(values[0])
    : `one of ${values.map((value) => JSON.stringify(value)).join(", ")}`;

const nameOf = (value: unknown): string => {
  if (value === null) return "null";
  if (Array.isArray(value)) return "a list";
  return typeof value === "number" || typeof value === "boolean" ? String(value) : a(typeof value);
};
