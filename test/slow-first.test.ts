import { existsSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { root } from "../local/process.ts";
import { slow } from "./support/slow-first.ts";

test("every file that starts first is there", () => {
  expect(slow.filter((file) => !existsSync(join(root, file)))).toEqual([]);
});
