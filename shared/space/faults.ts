/** Where faults are collected: the JSON pointer of the field, and a sentence that says how to mend it. */
export type Report = (pointer: string, detail: string) => void;

/** A JSON pointer of its parts (RFC 6901). */
export const pointer = (...parts: readonly (string | number)[]): string =>
  parts.map((part) => `/${String(part).replaceAll("~", "~0").replaceAll("/", "~1")}`).join("");

/** "There is no parameter lr2; the space has lr, layers." The first ten, when there are many. */
export const unknownParameter = (name: string, known: readonly string[]): string =>
  `There is no parameter ${name}; the space has ${known.slice(0, 10).join(", ")}${known.length > 10 ? ", ..." : ""}.`;
