import { readFileSync } from "node:fs";
import fc from "fast-check";
import { expect, test } from "vitest";
import { compileSpace } from "../../../shared/space/compile.ts";
import { toCube } from "../../../shared/space/cube.ts";
import type { SpaceDefinition } from "../../../shared/space/definition.ts";
import { decodeSegment, encodeSegment, newSegment, readSegments } from "../../../shared/store/segment.ts";
import type { TrialItem } from "../../../shared/store/trial.ts";
import { createTestTable } from "../../support/emulator.ts";
import { testDeps } from "../../support/service.ts";
import { loadedStudy, trialOf } from "../../support/study.ts";

const space = compileSpace({
  lr: { type: "float", low: 1e-5, high: 1, scale: "log" },
  layers: { type: "int", low: -3, high: 8 },
  optimizer: { type: "categorical", choices: ["sgd", "adam", 1, true, null] },
  momentum: { type: "float", low: 0, high: 1, when: { optimizer: ["sgd"] } },
});

const finite = fc.double({ noNaN: true, noDefaultInfinity: true }).map((x) => (Object.is(x, -0) ? 0 : x));

const params = fc
  .record({
    lr: fc.double({ min: 1e-5, max: 1, noNaN: true }),
    layers: fc.integer({ min: -3, max: 8 }),
    optimizer: fc.constantFrom("sgd", "adam", 1, true, null),
    momentum: fc.double({ min: 0, max: 1, noNaN: true }).map((x) => x + 0),
  })
  .map(({ momentum, ...rest }) => (rest.optimizer === "sgd" ? { ...rest, momentum } : rest));

const plain: fc.Arbitrary<Omit<TrialItem, "number">> = fc.record({
  study: fc.constant("s-1"),
  state: fc.constantFrom("completed" as const, "pruned" as const, "failed" as const),
  attempt: fc.integer({ min: 0, max: 1_000_000 }),
  lost: fc.constant(0),
  seconds: fc.constant(0),
  params,
  values: fc.option(
    fc
      .record({ loss: finite }, { requiredKeys: ["loss"] })
      .chain((v) => fc.option(finite).map((extra) => (extra === null ? v : { ...v, "other.metric": extra }))),
  ),
  resource: fc.option(fc.integer({ min: 1, max: 1e9 })),
  bracket: fc.option(fc.integer({ min: 0, max: 64 })),
  rung: fc.option(fc.integer({ min: 0, max: 64 })),
  run: fc.option(
    fc.record(
      {
        configuration: fc.nat({ max: 1e6 }),
        instance: fc.nat({ max: 9999 }),
        iteration: fc.integer({ min: 1, max: 20 }),
      },
      { requiredKeys: ["configuration", "instance"] },
    ),
  ),
  worker: fc.option(fc.string({ unit: "grapheme" })),
  algorithm: fc.constantFrom("tpe", "random"),
  why: fc.string(),
  reason: fc.option(fc.string({ unit: "grapheme" })),
  created: fc.integer({ min: 0, max: 2 ** 42 }),
  leaseExpires: fc.constant(null),
  finished: fc.option(fc.integer({ min: 0, max: 2 ** 42 })),
  checkpoint: fc.option(fc.string()),
  curve: fc.array(fc.record({ step: fc.nat({ max: 100 }), values: fc.record({ loss: finite }) }), {
    maxLength: 3,
  }),
  decision: fc.option(
    fc.record({
      decision: fc.constantFrom("continue" as const, "stop" as const, "pause" as const),
      step: fc.nat({ max: 100 }),
      bracket: fc.nat({ max: 9 }),
      rung: fc.nat({ max: 9 }),
      rank: fc.nat({ max: 99 }),
      of: fc.nat({ max: 99 }),
      goOn: fc.nat({ max: 99 }),
      threshold: fc.option(finite),
    }),
  ),
  attempts: fc.array(
    fc.record({
      attempt: fc.integer({ min: 1, max: 9 }),
      end: fc.constantFrom("expired" as const, "interrupted" as const),
      reason: fc.option(fc.string()),
      jobId: fc.constant(null),
      at: fc.constant("2026-11-23T12:00:00.000Z"),
    }),
    { maxLength: 2 },
  ),
  job: fc.constant(null),
});

const gradients = fc.record({
  space: fc.constantFrom("raw" as const, "transformed" as const),
  values: fc.record({ lr: finite, layers: finite, momentum: finite }, { requiredKeys: [] }),
});

const trial = fc
  .tuple(
    plain,
    fc.option(fc.record({ trial: fc.nat(), checkpoint: fc.option(fc.string()) })),
    fc.option(gradients),
    fc.option(fc.string()),
  )
  .map(([row, origin, told, toldBy]) => ({
    ...row,
    ...(origin !== null && { origin }),
    ...(told !== null && { gradients: told }),
    ...(toldBy !== null && { toldBy }),
  }));

test("finished trials come back from a segment as they went in, every double bit for bit", () => {
  fc.assert(
    fc.property(
      fc.array(trial, { minLength: 1, maxLength: 40 }),
      fc.integer({ min: 0, max: 3 }),
      (rows, shift) => {
        const trials = rows.map((row, i): TrialItem => ({ ...row, number: i * 3 }));
        const bytes = encodeSegment(space, trials);
        // Where the bytes lie in memory must not matter.
        const moved = new Uint8Array(bytes.length + shift);
        moved.set(bytes, shift);
        const segment = decodeSegment("s-1", space, moved.subarray(shift));
        expect(Array.from({ length: segment.count }, (_, i) => segment.trial(i))).toEqual(trials);
        const points = new Float64Array(space.parameters.length * segment.count);
        for (const [
          i,
          {
            number,
            state,
            values,
            gradients,
            resource,
            bracket,
            rung,
            curve,
            checkpoint,
            origin,
            run,
            params,
          },
        ] of trials.entries()) {
          const place = { resource, bracket, rung };
          const from = origin === undefined ? {} : { origin };
          const told = gradients === undefined ? {} : { gradients };
          const expected = { number, state, values, ...told, ...place, curve, checkpoint, ...from, run };
          expect(segment.result(i)).toEqual(expected);
          segment.point(i, points, i * space.parameters.length);
          const point = points.subarray(i * space.parameters.length, (i + 1) * space.parameters.length);
          expect(point).toEqual(toCube(space, params));
        }
        expect(segment.find(0)).toBe(0);
        expect(segment.find(1)).toBe(-1);
      },
    ),
    { numRuns: 200 },
  );
});

test("a trial that is not finished cannot be folded", () => {
  const [row] = fc.sample(trial, 1);
  expect(() => encodeSegment(space, [{ ...row!, number: 0, state: "running" }])).toThrow(
    "only finished and paused trials",
  );
});

test("a segment of version 1 is still read", () => {
  const fixture = new URL("../../fixtures/segments/v1.fixture.json", import.meta.url);
  const { space, trials, bytes } = JSON.parse(readFileSync(fixture, "utf8")) as {
    space: SpaceDefinition;
    trials: Omit<TrialItem, "bracket" | "rung">[];
    bytes: string;
  };
  const segment = decodeSegment("s-1", compileSpace(space), Buffer.from(bytes, "base64"));
  expect(segment.count).toBe(trials.length);
  for (const [i, trial] of trials.entries()) {
    expect(segment.trial(i)).toEqual({
      ...trial,
      bracket: null,
      rung: null,
      run: null,
      curve: [],
      decision: null,
    });
  }
});

test("a segment of a version that is not known is an error, not a guess", () => {
  const { space } = loadedStudy();
  const bytes = Buffer.from(encodeSegment(space, [trialOf({ state: "completed", bracket: 0, rung: 0 })]));
  bytes.write('"version":9', bytes.indexOf('"version":2'));
  expect(() => decodeSegment("s-1", space, bytes)).toThrow("Segment version 9 is not known.");
});

test("segments are read in order of their numbers, from one to another, and a number is given once", async () => {
  const { client, tableName } = await createTestTable();
  const { store } = testDeps(client, tableName);
  const { space } = loadedStudy();
  const packed = (number: number) =>
    encodeSegment(space, [trialOf({ study: "s-1", number, state: "failed" })]);
  for (let k = 0; k < 12; k++) await store.transact([newSegment("s-1", k, packed(k))]);
  await expect(store.transact([newSegment("s-1", 3, packed(99))])).rejects.toEqual(
    expect.objectContaining({ names: new Set(["segment"]) }),
  );
  const numbers = async (from: number, to: number) =>
    (await readSegments(store, "s-1", space, from, to)).map(({ numbers }) => numbers[0]);
  expect(await numbers(0, 12)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
  expect(await numbers(2, 4)).toEqual([2, 3]);
  expect(await numbers(4, 4)).toEqual([]);
});
