import type { Context } from "aws-lambda";
import type { ServiceDeps } from "../../shared/service/core/deps.ts";
import { reconcile } from "../../shared/service/repair/reconcile.ts";
import { serviceDeps } from "../deps.ts";

/** Reserved for the last step, which must end before the Lambda times out. */
const RESERVE_MS = 20_000;

/** The reconciler Lambda, on a schedule. */
export const createReconciler =
  (deps: () => ServiceDeps) =>
  async (_event: unknown, context: Pick<Context, "getRemainingTimeInMillis">): Promise<void> => {
    const world = deps();
    await reconcile(world, world.clock() + context.getRemainingTimeInMillis() - RESERVE_MS);
  };

export const handler = createReconciler(serviceDeps);
