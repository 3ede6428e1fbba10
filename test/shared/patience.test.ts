import { expect, test } from "vitest";
import { pauseMs } from "../../shared/patience.ts";

test("a client waits no shorter than the answer says, and not much longer; without it longer each time, up to 10 seconds", () => {
  for (const uniform of [() => 0, () => 0.5, () => 0.999]) {
    expect(pauseMs(0, 7000, uniform)).toBeGreaterThanOrEqual(7000);
    expect(pauseMs(0, 7000, uniform)).toBeLessThan(7000 * 1.25);
    const pauses = [0, 1, 2, 19, 2000].map((tries) => pauseMs(tries, 0, uniform));
    expect(pauses).toEqual([...pauses].sort((a, b) => a - b));
    expect(Math.max(...pauses)).toBeLessThanOrEqual(10_000);
    expect(Math.min(...pauses)).toBeGreaterThan(0);
  }
});
