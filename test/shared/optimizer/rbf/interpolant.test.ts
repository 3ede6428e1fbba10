import { expect, test } from "vitest";
import { createRandom } from "../../../../shared/numerics/random.ts";
import {
  BASES,
  interpolate,
  type Nodes,
  rankDisplacement,
} from "../../../../shared/optimizer/rbf/interpolant.ts";
import golden from "../../../fixtures/numerics/rbf.fixture.json" with { type: "json" };

const nodesOf = (n: number, width: number, seed: number): Nodes => {
  const random = createRandom(seed);
  const x = Float64Array.from({ length: n * width }, () => random.uniform());
  const y = Float64Array.from({ length: n }, () => random.normal());
  return { n, width, x, y };
};

test.each(BASES)("the %s interpolant meets every node", (basis) => {
  const nodes = nodesOf(60, 4, 1);
  const interpolant = interpolate(nodes, basis);
  for (let i = 0; i < nodes.n; i++) expect(interpolant?.at(nodes.x, 4 * i)).toBeCloseTo(nodes.y[i]!, 6);
});

test.each(BASES)("the %s interpolant of a plane is the plane", (basis) => {
  const { n, width, x } = nodesOf(30, 3, 2);
  const plane = (at: Float64Array, offset: number) => 2 - at[offset]! + 3 * at[offset + 2]!;
  const y = Float64Array.from({ length: n }, (_, i) => plane(x, 3 * i));
  const interpolant = interpolate({ n, width, x, y }, basis);
  const far = Float64Array.of(2, -1, 1.5);
  expect(interpolant?.at(far, 0)).toBeCloseTo(plane(far, 0), 4);
});

test.each(["cubic", "thin-plate", "linear"] as const)("the %s interpolant agrees with SciPy's", (basis) => {
  const { points, values, at, width } = golden;
  const nodes = { n: values.length, width, x: Float64Array.from(points), y: Float64Array.from(values) };
  const interpolant = interpolate(nodes, basis);
  for (const [i, expected] of golden[basis].entries()) {
    expect(interpolant?.at(Float64Array.from(at), i * width)).toBeCloseTo(expected, 5);
  }
});

test.each(BASES)(
  "leaving one out by one factorisation moves ranks as %s fits without each node do",
  (basis) => {
    const { n, width, x, y } = nodesOf(25, 2, 3);
    const rankOf = (value: number) => y.reduce((sum, v) => sum + (v < value ? 1 : v === value ? 0.5 : 0), 0);
    let moved = 0;
    for (let i = 0; i < n; i++) {
      const others = Array.from({ length: n }, (_, k) => k).filter((k) => k !== i);
      const rest: Nodes = {
        n: n - 1,
        width,
        x: Float64Array.from(others.flatMap((k) => [x[2 * k]!, x[2 * k + 1]!])),
        y: Float64Array.from(others, (k) => y[k]!),
      };
      moved += Math.abs(rankOf(interpolate(rest, basis)!.at(x, 2 * i)) - rankOf(y[i]!));
    }
    expect(rankDisplacement({ n, width, x, y }, basis)).toBeCloseTo(moved, 9);
  },
);

test("nodes that coincide with different values have no interpolant, or a finite one", () => {
  const x = Float64Array.of(0.5, 0.5, 0.5, 0.5);
  for (const basis of BASES) {
    const interpolant = interpolate({ n: 4, width: 1, x, y: Float64Array.of(1, 2, 3, 4) }, basis);
    if (interpolant !== null) expect(Number.isFinite(interpolant.at(Float64Array.of(0.2), 0))).toBe(true);
  }
});

test("nodes in a plane leave the slope across it at zero", () => {
  const random = createRandom(4);
  const n = 20;
  const x = Float64Array.from({ length: 2 * n }, (_, k) => (k % 2 === 0 ? random.uniform() : 0.3));
  const y = Float64Array.from({ length: n }, (_, i) => x[2 * i]! * 5);
  const interpolant = interpolate({ n, width: 2, x, y }, "cubic")!;
  expect(interpolant.at(Float64Array.of(0.4, 0.3), 0)).toBeCloseTo(2, 4);
  expect(interpolant.at(Float64Array.of(0.4, 0.9), 0)).toBeCloseTo(2, 2);
});
