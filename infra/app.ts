import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { App } from "aws-cdk-lib";
import { buildBundles } from "./bundles.ts";
import { makeStacks } from "./stacks.ts";

// The CDK copies the bundles into its output, so that they need not outlive the synthesis.
const bundles = mkdtempSync(join(tmpdir(), "hone-bundles-"));
try {
  const app = new App();
  makeStacks(app, await buildBundles(bundles));
  app.synth();
} finally {
  rmSync(bundles, { recursive: true, force: true });
}
