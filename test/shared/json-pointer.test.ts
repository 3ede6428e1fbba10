import { expect, test } from "vitest";
import { pointerTo } from "../../shared/json-pointer.ts";

test("a pointer names keys and indices, slashes and tildes escaped", () => {
  expect(pointerTo([])).toBe("");
  expect(pointerTo(["space", "lr", "choices", 0])).toBe("/space/lr/choices/0");
  expect(pointerTo(["a/b", "~1", ""])).toBe("/a~1b/~01/");
});
