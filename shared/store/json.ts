/**
 * JSON for the table, with every number in its shortest form: `JSON.stringify` writes 1e20 as 100000000000000000000, so a
 * body of numbers would grow up to five times when it is stored. Every double reads back bit for bit (-0 as 0).
 * @param value what JSON has: no functions, no cycles; fields that are undefined are left out.
 */
export const toJson = (value: unknown): string => {
  if (typeof value === "number") return shortest(value);
  if (Array.isArray(value)) return `[${value.map((each) => toJson(each ?? null)).join(",")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const fields = Object.entries(value).filter(([, field]) => field !== undefined);
  return `{${fields.map(([name, field]) => `${JSON.stringify(name)}:${toJson(field)}`).join(",")}}`;
};

const shortest = (value: number): string => {
  const plain = JSON.stringify(value);
  const exponential = value.toExponential().replace("e+", "e");
  return Number.isFinite(value) && exponential.length < plain.length ? exponential : plain;
};
