import fc from "fast-check";
import { expect, test } from "vitest";
import { toJson } from "../../../shared/store/json.ts";

test("it is JSON: everything reads back as it would from JSON.stringify", () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      expect(JSON.parse(toJson(value))).toEqual(JSON.parse(JSON.stringify(value)));
    }),
  );
  expect(toJson({ a: undefined, b: [undefined, 1], 'ü"': "\n" })).toBe('{"b":[null,1],"ü\\"":"\\n"}');
});

test("a number is never longer than the shortest that a client can send, and reads back bit for bit", () => {
  const shortestSent = (value: number) =>
    Math.min(String(value).length, value.toExponential().replace("e+", "e").length);
  fc.assert(
    fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (value) => {
      const json = toJson(value);
      expect(json.length).toBeLessThanOrEqual(shortestSent(value));
      expect(JSON.parse(json) + 0).toBe(value + 0);
    }),
  );
  expect([1e20, 1e5, 0.001, 123, -0, 1e-7].map(toJson)).toEqual(["1e20", "1e5", "1e-3", "123", "0", "1e-7"]);
});
