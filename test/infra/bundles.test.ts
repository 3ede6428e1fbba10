import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { environmentForLoading, loadTime } from "../../bench/bundles/load.ts";
import { type Bundles, buildBundles, bundleFile, lambdas } from "../../infra/bundles.ts";

/**
 * Maximum size of each bundle in bytes; none may exceed 1 MB, because larger bundles slow cold starts down. Raise a limit in the
 * commit that needs it, and give the reason. Look first for `import { z } from "zod"`: a namespace import is 350 kB smaller.
 */
const ceilings: Readonly<Record<(typeof lambdas)[number], number>> = {
  // Nested cross-validation, presigned URLs, the schedulers with their rungs, what chooses among them and who goes on, races, the audit trail, gradients, and the warm start.
  api: 950_000,
  authorizer: 300_000,
  dispatcher: 800_000,
  events: 800_000,
  reconciler: 800_000,
  rounds: 800_000,
  sweep: 850_000,
};

let folder: string;
let bundles: Bundles;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "hone-bundles-"));
  bundles = await buildBundles(folder);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe.each(lambdas)("the bundle of %s", (name) => {
  test("is not larger than its limit", () => {
    expect(statSync(join(bundles[name], bundleFile)).size).toBeLessThan(ceilings[name]);
  });

  test("loads by itself in a fresh process and exports a handler", async () => {
    const { handler } = await loadTime(join(bundles[name], bundleFile), environmentForLoading);
    expect(handler).toBe("function");
  });
});
