import { type App, Tags, Validations } from "aws-cdk-lib";
import { AwsSolutionsChecks } from "cdk-nag";
import { acknowledgeCompute, acknowledgeCore } from "./acknowledgements.ts";
import type { Bundles } from "./bundles.ts";
import { ComputeStack } from "./compute-stack.ts";
import { readConfig } from "./config.ts";
import { CoreStack } from "./core-stack.ts";
import { makeNames } from "./names.ts";

export interface Stacks {
  readonly core: CoreStack;
  /** Missing in the emulator, which has no Batch. */
  readonly compute: ComputeStack | null;
}

/**
 * Makes the stacks that the app's context asks for. Any finding of cdk-nag fails the synthesis. For the emulator the checks
 * are skipped, because the same stack is checked for AWS.
 */
export const makeStacks = (app: App, bundles: Bundles): Stacks => {
  const config = readConfig(app.node);
  const names = makeNames(config.name);
  const core = new CoreStack(app, names.coreStack, {
    description: "Hone: API, store, dispatch",
    config,
    names,
    bundles,
  });
  const compute = config.local
    ? null
    : new ComputeStack(app, names.computeStack, {
        description: "Hone: where trials run",
        config,
        names,
      });
  Tags.of(app).add("hone", config.name ?? "default");
  if (compute !== null) {
    Validations.of(app).addPlugins(new AwsSolutionsChecks(app));
    acknowledgeCore(core, names, config);
    acknowledgeCompute(compute, config);
  }
  return { core, compute };
};
