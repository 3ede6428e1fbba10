import fc from "fast-check";
import { expect, test } from "vitest";
import { createRandom } from "../../../../shared/numerics/random.ts";
import { createFresh } from "../../../../shared/optimizer/common/fresh.ts";
import { buildHistory, type HistoryRow } from "../../../../shared/optimizer/common/history.ts";
import { compileSpace } from "../../../../shared/space/compile.ts";
import { sampleCube } from "../../../../shared/space/sample.ts";

const float = { type: "float", low: 0, high: 1 } as const;
const space = compileSpace({
  kind: { type: "categorical", choices: ["x", "y"] },
  a: float,
  b: { ...float, when: { kind: ["y"] } },
});

test("however many points are looked at, those that were tried are refused, up to rounding, and no others", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 1e6 }),
      fc.constantFrom(0, 5e-10, -5e-10),
      fc.constantFrom(3e-9, 1e-6),
      (seed, rounding, distance) => {
        const random = createRandom(seed);
        const points = Array.from({ length: 20 }, () => sampleCube(space, random));
        const rows = [...points, ...points].map((x, number): HistoryRow => ({ number, x }));
        const fresh = createFresh(space, buildHistory(space, 1, rows));
        const moved = (x: Float64Array, by: number) => x.with(1, x[1]! + by);
        for (const x of points) {
          expect(fresh.accepts(moved(x, rounding))).toBe(false);
          expect(fresh.accepts(moved(x, distance))).toBe(true);
          expect(fresh.accepts(moved(x, -distance))).toBe(true);
        }
      },
    ),
  );
});

test("what was taken is refused from then on", () => {
  const random = createRandom(1);
  const fresh = createFresh(space, buildHistory(space, 1, []));
  for (let k = 0; k < 30; k++) {
    const x = sampleCube(space, random);
    expect(fresh.accepts(x)).toBe(true);
    fresh.take(x);
    expect(fresh.accepts(x)).toBe(false);
  }
});
