import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { App } from "aws-cdk-lib";
import { buildBundles } from "./bundles.ts";
import { makeStacks } from "./stacks.ts";

// The CDK copies the bundles to its output, so they can be removed after the synthesis.
const bundles = mkdtempSync(join(tmpdir(), "hone-bundles-"));
try {
  const app = new App();
  const { compute } = makeStacks(app, await buildBundles(bundles));
  // The CDK's own check of templates takes five seconds, too long for every start of the emulator.
  if (compute === null) process.env.CDK_VALIDATION = "false";
  app.synth();
} finally {
  rmSync(bundles, { recursive: true, force: true });
}
