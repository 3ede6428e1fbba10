import { appendFileSync, existsSync, mkdirSync, readFileSync } from "node:fs";
import { dirname } from "node:path";

/** One trial of a run: the told values, and the true value. */
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

/** The results so far, so that an interrupted benchmark can resume. */
export const readResults = <R extends object = Result>(file: string): R[] =>
  existsSync(file)
    ? readFileSync(file, "utf8")
        .split("\n")
        .flatMap((line) => parsed<R>(line) ?? [])
    : [];

/** Null for an incomplete line, left by an interruption. */
const parsed = <R>(line: string): R | null => {
  try {
    return JSON.parse(line) as R;
  } catch {
    return null;
  }
};

export const addResult = (file: string, result: object): void => {
  mkdirSync(dirname(file), { recursive: true });
  // Starts a new line even after an incomplete one, in a single write, because several processes may write.
  appendFileSync(file, `\n${JSON.stringify(result)}\n`);
};
