import type { Note } from "./note.ts";

const KIB = 1024;
const MIB = 1024 * KIB;

interface Limit {
  readonly max: number;
  readonly unit: "bytes" | "items" | "ms" | "characters";
}

/** What AWS refuses and the emulator accepts; sources in the services' quota pages. `our` limits are stricter ones of ours. */
export const limits = {
  "DynamoDB item": { max: 400 * KIB, unit: "bytes" },
  "DynamoDB transaction": { max: 100, unit: "items" },
  "DynamoDB transaction size": { max: 4 * MIB, unit: "bytes" },
  "DynamoDB batch write": { max: 25, unit: "items" },
  "SQS message": { max: MIB, unit: "bytes" },
  "our dispatch message": { max: 4 * KIB, unit: "bytes" },
  "Step Functions payload": { max: 256 * KIB, unit: "bytes" },
  "Step Functions history": { max: 25_000, unit: "items" },
  "Step Functions execution name": { max: 80, unit: "characters" },
  "Batch SubmitJob": { max: 30 * KIB, unit: "bytes" },
  "Batch job definition": { max: 24 * KIB, unit: "bytes" },
  "Lambda response": { max: 6 * MIB, unit: "bytes" },
  "HTTP API integration": { max: 30_000, unit: "ms" },
} as const satisfies Record<string, Limit>;

export type LimitName = keyof typeof limits;

/** One sentence for each payload beyond its limit. */
export const oversized = (notes: readonly Note[]): string[] =>
  notes.flatMap((note) =>
    note.sizes
      .filter(({ limit, value }) => value > limits[limit].max)
      .map(({ limit, value }) => {
        const { max, unit } = limits[limit];
        return `${nameOf(note)}: ${limit} of ${value} ${unit}, AWS takes ${max}`;
      }),
  );

const nameOf = (note: Note): string => {
  switch (note.kind) {
    case "call":
      return `${note.lambda ?? "unknown"} ${note.operation}`;
    case "request":
      return `${note.method} ${note.path}`;
    case "execution":
      return `execution ${note.name}`;
  }
};

/** The largest value seen for each limit; a limit that nothing came near to any part of is missing. */
export const largest = (notes: readonly Note[]): Partial<Record<LimitName, number>> => {
  const seen: Partial<Record<LimitName, number>> = {};
  for (const { sizes } of notes) {
    for (const { limit, value } of sizes) seen[limit] = Math.max(seen[limit] ?? 0, value);
  }
  return seen;
};
