import { appendFileSync, existsSync, mkdirSync, readFileSync } from "node:fs";
import { dirname } from "node:path";

/** One trial of a run: what was told, and what it was worth. */
export interface Traced {
  readonly values: readonly number[];
  /** The value without the noise. */
  readonly value: number;
  readonly isFeasible: boolean;
}

export interface Result {
  readonly searcher: string;
  readonly version: string;
  readonly problem: string;
  readonly seed: number;
  readonly parallel: number;
  readonly trials: number;
  readonly best: number | null;
  readonly typical: number | null;
  readonly reference: readonly number[] | null;
  readonly seconds: number;
  readonly trace: readonly Traced[];
}

/** Results so far, so that a bench that was interrupted goes on where it was. */
export const readResults = (file: string): Result[] =>
  existsSync(file)
    ? readFileSync(file, "utf8")
        .split("\n")
        .flatMap((line) => parsed(line) ?? [])
    : [];

/** Null for what an interruption left of a line. */
const parsed = (line: string): Result | null => {
  try {
    return JSON.parse(line) as Result;
  } catch {
    return null;
  }
};

export const addResult = (file: string, result: Result): void => {
  mkdirSync(dirname(file), { recursive: true });
  // In a line of its own even after half a line, and whole: several processes may write.
  appendFileSync(file, `\n${JSON.stringify(result)}\n`);
};
