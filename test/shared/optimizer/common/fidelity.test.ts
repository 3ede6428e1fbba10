import fc from "fast-check";
import { expect, test } from "vitest";
import { type History, TrialKind } from "../../../../shared/optimizer/algorithm.ts";
import { gather } from "../../../../shared/optimizer/common/evidence.ts";
import { atOneFidelity } from "../../../../shared/optimizer/common/fidelity.ts";
import { buildHistory } from "../../../../shared/optimizer/common/history.ts";
import { compileSpace } from "../../../../shared/space/compile.ts";

const RESOURCES = [1, 3, 9];
const space = compileSpace({ x: { type: "float", low: 0, high: 1 } });

/** Trials by what they came to at each level; stopped where they end early. */
const historyOf = (curves: readonly (readonly number[])[]): History => ({
  ...buildHistory(
    space,
    1,
    curves.map((curve, number) => ({
      number,
      x: [number / curves.length],
      y: [curve.at(-1) ?? Number.NaN],
      kind: curve.length === RESOURCES.length ? TrialKind.completed : TrialKind.pruned,
    })),
  ),
  levels: {
    resources: RESOURCES,
    value: Float64Array.from(
      curves.flatMap((curve) => RESOURCES.map((_, level) => curve[level] ?? Number.NaN)),
    ),
  },
});
const seen = (curves: readonly (readonly number[])[]) => atOneFidelity(historyOf(curves), 1, 1);
/** Falls by 0.2 and by 0.1. */
const falling = (from: number, levels = RESOURCES.length) => [from, from - 0.2, from - 0.3].slice(0, levels);

test("the level is the highest with enough results, and trials that came further count there", () => {
  const { y, kind, resource } = seen([falling(0.5), falling(0.6), falling(0.7, 2), falling(0.8, 1)]);
  expect(y[0]).toBeCloseTo(0.3);
  expect([...kind]).toEqual([
    TrialKind.completed,
    TrialKind.completed,
    TrialKind.completed,
    TrialKind.pruned,
  ]);
  expect([...resource].slice(0, 3)).toEqual([3, 3, 3]);
});

test("a trial that was stopped counts with the value that trials next to it at its level came to", () => {
  const full = [0.5, 0.55, 0.6, 0.65].map((from) => falling(from));
  const { y, kind } = seen([...full, falling(0.51, 1), falling(0.52, 2), falling(0.9, 1)]);
  expect([...y].map((value) => Number(value.toFixed(6)))).toEqual([0.2, 0.25, 0.3, 0.35, 0.21, 0.22, 0.6]);
  expect([...kind].slice(4)).toEqual([TrialKind.pruned, TrialKind.pruned, TrialKind.pruned]);
});

test("changes are those of similar trials: what begins well may improve less", () => {
  const good = Array.from({ length: 12 }, (_, i) => [0.1 + i / 1000, 0.1 + i / 1000, 0.1 + i / 1000]);
  const bad = Array.from({ length: 12 }, (_, i) => [0.9 + i / 1000, 0.5, 0.4]);
  const { y } = seen([...good, ...bad, [0.104], [0.905]]);
  expect(y[24]).toBeCloseTo(0.104, 2);
  expect(y[25]).toBeCloseTo(0.4, 2);
});

test("to a model it is not bad for having been stopped, but it is never the best", () => {
  const full = [0.5, 0.55, 0.6, 0.65, 0.7].map((from) => falling(from));
  const evidence = gather(seen([...full, falling(0.49, 1)]), 1, 0, "plain")!;
  expect(evidence.objectives[0]!.at(-1)).toBeCloseTo(0.19);
  expect(evidence.isFeasible.at(-1)).toBe(false);
  expect(evidence.noise.at(-1)).toBeGreaterThan(evidence.noise[0]!);
});

test("a trial that its own program stopped before any level counts as before: no better than the median", () => {
  const history = historyOf([...[0.5, 0.55, 0.6].map((from) => falling(from)), []]);
  history.y[3] = 0.01;
  const { objectives } = gather(atOneFidelity(history, 1, 1), 1, 0, "plain")!;
  expect(objectives[0]![3]).toBeCloseTo(0.25);
});

test("of a long study a sample of the changes is enough", () => {
  const long = Array.from({ length: 3000 }, (_, i) => falling(0.4 + ((i * 7919) % 3000) / 6000));
  const { y } = seen([...long, falling(0.45, 1), falling(0.8, 2)]);
  expect([y[3000], y[3001]].map((value) => Number(value?.toFixed(6)))).toEqual([0.15, 0.5]);
});

test("shifted or scaled losses give shifted or scaled expectations", () => {
  const curve = fc.array(fc.integer({ min: -100, max: 100 }), { minLength: 1, maxLength: 3 });
  const study = fc.array(curve, { minLength: 5, maxLength: 30 });
  // Exact in binary, so that trials that are equally near stay so.
  const factors = fc.constantFrom(0.25, 0.5, 2, 4);
  fc.assert(
    fc.property(study, factors, (curves, factor) => {
      const plain = seen(curves).y;
      const other = seen(curves.map((each) => each.map((value) => factor * value + 3))).y;
      for (const [i, value] of plain.entries()) expect(other[i]).toBeCloseTo(factor * value + 3, 6);
    }),
  );
});
