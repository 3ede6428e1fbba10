import { addDecimals, compareDecimals, formatDecimal, parseDecimal } from "./decimal.ts";
import { invalid, NotImplemented } from "./errors.ts";

/** A value as it travels: bytes in base64, numbers as text. */
export type Value =
  | { readonly S: string }
  | { readonly N: string }
  | { readonly B: string }
  | { readonly BOOL: boolean }
  | { readonly NULL: true };

export type ValueType = "S" | "N" | "B" | "BOOL" | "NULL";
export type Attributes = Readonly<Record<string, Value>>;

/** Types by the names that DynamoDB's error messages use. */
export const typeNames: Readonly<Record<ValueType, string>> = {
  S: "STRING",
  N: "NUMBER",
  B: "BINARY",
  BOOL: "BOOLEAN",
  NULL: "NULL",
};

export const typeOf = (value: Value): ValueType => {
  for (const type of ["S", "N", "B", "BOOL", "NULL"] as const) if (type in value) return type;
  throw new NotImplemented(`values of type ${Object.keys(value)}`);
};

export const bytesOf = (text: string): number => Buffer.byteLength(text, "utf8");

/** Checks a value of a request and brings a number to its one form. */
export const readValue = (value: Value): Value => {
  const types = Object.keys(value);
  if (types.length !== 1) {
    throw invalid("Supplied AttributeValue has more than one datatypes set, must contain exactly one");
  }
  typeOf(value);
  return "N" in value ? { N: formatDecimal(parseDecimal(value.N)) } : value;
};

export const readAttributes = (attributes: Attributes): Attributes =>
  Object.fromEntries(
    Object.entries(attributes).map(([name, value]) => {
      if (name === "") throw invalid("Empty attribute name");
      return [name, readValue(value)];
    }),
  );

const isSurrogate = (unit: number): boolean => unit >= 0xd800 && unit <= 0xdfff;

/** The order of strings and bytes is that of their bytes in UTF-8; JavaScript's UTF-16 has another where surrogates meet others. */
export const compareText = (a: string, b: string): number => {
  const length = Math.min(a.length, b.length);
  let i = 0;
  while (i < length && a.charCodeAt(i) === b.charCodeAt(i)) i++;
  if (i === length) return a.length - b.length;
  const [left, right] = [a.charCodeAt(i), b.charCodeAt(i)];
  if (isSurrogate(left) || isSurrogate(right)) return Buffer.compare(Buffer.from(a), Buffer.from(b));
  return left - right;
};

const bytes = (base64: string) => Buffer.from(base64, "base64");

/** Negative, 0 or positive; null when the types differ or have no order. */
export const compareValues = (a: Value, b: Value): number | null => {
  if ("S" in a && "S" in b) return compareText(a.S, b.S);
  if ("N" in a && "N" in b) return compareDecimals(parseDecimal(a.N), parseDecimal(b.N));
  if ("B" in a && "B" in b) return Buffer.compare(bytes(a.B), bytes(b.B));
  return null;
};

export const equalValues = (a: Value, b: Value): boolean => {
  if ("BOOL" in a && "BOOL" in b) return a.BOOL === b.BOOL;
  if ("NULL" in a && "NULL" in b) return true;
  return compareValues(a, b) === 0;
};

export const beginsWith = (value: Value, prefix: Value): boolean => {
  if ("S" in value && "S" in prefix) return value.S.startsWith(prefix.S);
  if ("B" in value && "B" in prefix) {
    return bytes(value.B).subarray(0, bytes(prefix.B).length).equals(bytes(prefix.B));
  }
  return false;
};

export const addValues = (a: { readonly N: string }, b: { readonly N: string }): Value => ({
  N: formatDecimal(addDecimals(parseDecimal(a.N), parseDecimal(b.N))),
});
