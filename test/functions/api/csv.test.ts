import fc from "fast-check";
import { expect, test } from "vitest";
import { toCsv } from "../../../functions/api/csv.ts";
import type { Trial } from "../../../shared/schemas/trial.ts";
import type { ParameterValue, Params } from "../../../shared/values.ts";

const trial = (change: Partial<Trial> = {}): Trial => ({
  number: 0,
  state: "completed",
  attempt: 1,
  params: {},
  values: null,
  feasible: null,
  resource: null,
  measuredAt: null,
  decision: null,
  worker: null,
  algorithm: "random",
  why: "uniform",
  reason: null,
  created: "2026-11-23T12:00:00.000Z",
  leaseExpires: null,
  finished: null,
  checkpoint: null,
  ...change,
});

/** A reader of RFC 4180, as anyone would write it. */
const rowsOf = (text: string): string[][] => {
  const rows: string[][] = [];
  let row: string[] = [];
  for (const [, quoted, plain = "", end] of text.matchAll(/(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r\n)/g)) {
    row.push(quoted?.replaceAll('""', '"') ?? plain);
    if (end === ",") continue;
    rows.push(row);
    row = [];
  }
  return rows;
};

/** The rule of the docstring, read backwards. */
const valueIn = (cell: string): ParameterValue | undefined => {
  if (cell === "") return undefined;
  if (cell.startsWith("'")) return cell.slice(1);
  if (cell === "null") return null;
  if (cell === "true" || cell === "false") return cell === "true";
  return Number.isNaN(Number(cell)) ? cell : Number(cell);
};

/** The CSV of trials that are a whole export. */
const csvOf = (trials: readonly Trial[]): string =>
  toCsv(trials, {
    parameters: [...new Set(trials.flatMap(({ params }) => Object.keys(params)))].sort(),
    metrics: [...new Set(trials.flatMap(({ values }) => Object.keys(values ?? {})))].sort(),
    derivatives: [],
    isNested: false,
    hasRuns: trials.some(({ configuration }) => configuration !== undefined),
    hasSegments: trials.some(({ resumesAt }) => resumesAt !== undefined),
    hasJobs: false,
  });

const columnsOf = (trials: readonly Trial[], prefix: string): Params[] => {
  const [header = [], ...rows] = rowsOf(csvOf(trials));
  return rows.map((row) =>
    Object.fromEntries(
      header.flatMap((name, i) => {
        const value = name.startsWith(prefix) ? valueIn(row[i] ?? "") : undefined;
        return value === undefined ? [] : [[name.slice(prefix.length), value]];
      }),
    ),
  );
};

const tricky = fc.constantFrom(
  "",
  " ",
  "'",
  "null",
  "true",
  "5",
  "-5",
  "1e3",
  "=1+1",
  "@x",
  "+1",
  "\tx",
  "\r",
  "0x1F",
  "Infinity",
  ' "a" ',
  "a,b",
);
const value = fc.oneof(
  tricky,
  fc.string({ unit: "binary" }).filter((text) => text.isWellFormed()),
  fc.double({ noNaN: true, noDefaultInfinity: true }).map((number) => number || 0),
  fc.boolean(),
  fc.constant(null),
);
const params = fc.dictionary(fc.constantFrom("a", "b", "c"), value);
const finite = fc.double({ noNaN: true, noDefaultInfinity: true }).map((number) => number || 0);

test("every configuration and value reads back as it was, of the same type, and what is inactive stays out", () => {
  fc.assert(
    fc.property(
      fc.array(fc.record({ params, values: fc.dictionary(fc.constantFrom("x", "y"), finite) })),
      (all) => {
        const trials = all.map((one) => trial(one));
        expect(columnsOf(trials, "params.")).toEqual(all.map((one) => ({ ...one.params })));
        expect(columnsOf(trials, "values.")).toEqual(all.map((one) => ({ ...one.values })));
      },
    ),
    { numRuns: 500 },
  );
});

test("no cell is a formula, whatever the texts of a trial, and negative numbers stay numbers", () => {
  fc.assert(
    fc.property(params, tricky, tricky, (given, reason, worker) => {
      const [, row = []] = rowsOf(csvOf([trial({ params: given, values: { y: -1.5 }, reason, worker })]));
      expect(row).toContain("-1.5");
      for (const cell of row) {
        if (/^[=+\-@\t\r\n]/.test(cell)) expect(Number.isFinite(Number(cell)), cell).toBe(true);
      }
    }),
  );
});

test("null, an empty text and an inactive parameter are told apart", () => {
  const given: Params[] = [{ a: null }, { a: "" }, {}];
  const trials = given.map((params) => trial({ params }));
  const [header = [], ...rows] = rowsOf(csvOf(trials));
  expect(rows.map((row) => row[header.indexOf("params.a")])).toEqual(["null", "'", ""]);
});

test("where configurations have several runs, a row says which run of which configuration it is", () => {
  const run = { configuration: 4, instance: 1, instanceName: "fold-1", seed: 77 };
  const [header = [], row = []] = rowsOf(csvOf([trial({ number: 5, ...run })]));
  expect(Object.fromEntries(header.map((name, i) => [name, row[i]]))).toMatchObject({
    configuration: "4",
    instance: "1",
    instanceName: "fold-1",
    seed: "77",
    iteration: "",
  });
  expect(rowsOf(csvOf([trial()]))[0]).not.toContain("configuration");
});
