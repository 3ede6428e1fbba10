import { expect, test } from "vitest";
import { asha } from "../../../shared/scheduler/asha.ts";
import { sha } from "../../../shared/scheduler/sha.ts";

const resource = { name: "epoch", min: 1, max: 27 };
const stopping = asha.create({ resource });
const promotion = asha.create({ resource, type: "promotion" });
const synchronous = sha.create({ resource }, "client");
const at = (rung: number, to: number) => ({ bracket: 0, rung, resource: to });

test("where trials are stopped they are sent to the end, where they are paused to the next rung", () => {
  expect(stopping.start(0)).toEqual(at(0, 27));
  expect(promotion.start(0)).toEqual(at(0, 1));
  expect(synchronous.start(0)).toEqual(at(0, 1));
});

test("a running trial is compared at the highest rung that its step has reached, once, and never at the top", () => {
  expect(stopping.watches(at(0, 27), 0)).toBeNull();
  expect(stopping.watches(at(0, 27), 1)).toEqual({ bracket: 0, rung: 0 });
  expect(stopping.watches(at(0, 27), 10)).toEqual({ bracket: 0, rung: 2 });
  // Rungs 0 and 1 are decided.
  expect(stopping.watches(at(2, 27), 3)).toBeNull();
  expect(stopping.watches(at(2, 27), 9)).toEqual({ bracket: 0, rung: 2 });
  expect(stopping.watches(at(2, 27), 27)).toBeNull();
});

test("a trial that pauses is compared at its own rung, however far it ran", () => {
  for (const scheduler of [promotion, synchronous]) {
    expect(scheduler.watches(at(1, 3), 1)).toBeNull();
    expect(scheduler.watches(at(1, 3), 3)).toEqual({ bracket: 0, rung: 1 });
    expect(scheduler.watches(at(1, 3), 20)).toEqual({ bracket: 0, rung: 1 });
    expect(scheduler.watches(at(3, 27), 27)).toBeNull();
  }
  expect(promotion.watches(null, 3)).toBeNull();
});

test("tables keep who waits: nobody where nobody pauses, the best of an asynchronous rung, all of a synchronous one", () => {
  expect(stopping.keeps({ bracket: 0, rung: 0 })).toBe(0);
  expect(promotion.keeps({ bracket: 0, rung: 0 })).toBe(64);
  expect(synchronous.keeps({ bracket: 0, rung: 0 })).toBe(4096);
});
