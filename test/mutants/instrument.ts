import { readFileSync } from "node:fs";
import { Instrumenter } from "@stryker-mutator/instrumenter";

/** One fault that can be switched on in the instrumented source. */
export interface Mutant {
  readonly id: string;
  readonly file: string;
  readonly line: number;
  readonly kind: string;
  /** What stands there, */
  readonly original: string;
  /** and what instead. */
  readonly replacement: string;
}

/** Kinds of mutants that change what a condition or a count comes to, not what is written or said. */
export const CONDITIONS: ReadonlySet<string> = new Set([
  "ArithmeticOperator",
  "AssignmentOperator",
  "BooleanLiteral",
  "CallExpression",
  "ConditionalExpression",
  "EqualityOperator",
  "LogicalOperator",
  "MethodExpression",
  "UnaryOperator",
  "UpdateOperator",
]);

const silent = () => {};
const log = {
  isTraceEnabled: () => false,
  isDebugEnabled: () => false,
  isInfoEnabled: () => false,
  isWarnEnabled: () => false,
  isErrorEnabled: () => false,
  isFatalEnabled: () => false,
  trace: silent,
  debug: silent,
  info: silent,
  warn: silent,
  error: silent,
  fatal: silent,
};

interface Position {
  /** From 0, as columns are. */
  readonly line: number;
  readonly column: number;
}

/** The text from one position to the other, in one line. */
const between = (text: string, { start, end }: { start: Position; end: Position }): string => {
  const lines = text.split("\n").slice(start.line, end.line + 1);
  const last = lines.length - 1;
  lines[last] = lines[last]?.slice(0, end.column) ?? "";
  lines[0] = lines[0]?.slice(start.column) ?? "";
  return lines.map((line) => line.trim()).join(" ");
};

/** @returns the sources with a switch for each of their mutants, which `globalThis.__stryker__.activeMutant` turns. */
export const instrument = async (
  names: readonly string[],
): Promise<{ code: ReadonlyMap<string, string>; mutants: Mutant[] }> => {
  const contents = new Map(names.map((name) => [name, readFileSync(name, "utf8")]));
  const sources = [...contents].map(([name, content]) => ({ name, content, mutate: true }));
  const options = { plugins: null, excludedMutations: [], ignorers: [], noHeader: false };
  const { files, mutants } = await new Instrumenter(log).instrument(sources, options);
  return {
    code: new Map(files.map(({ name, content }) => [name, content])),
    mutants: mutants.map(({ id, fileName, location, mutatorName, replacement }) => ({
      id,
      file: fileName,
      line: location.start.line + 1,
      kind: mutatorName,
      original: between(contents.get(fileName) ?? "", location),
      replacement,
    })),
  };
};
