import type { Context } from "aws-lambda";
import { SweepMessage } from "../../shared/schemas/message.ts";
import type { ServiceDeps } from "../../shared/service/core/deps.ts";
import { attendAll, deliverFiring } from "../../shared/service/sweeps/deliver.ts";
import { serviceDeps } from "../deps.ts";

/** Reserved for the last sweep, which must be seen to before the Lambda times out. */
const RESERVE_MS = 10_000;

/** The sweep Lambda: firings become studies, and on a schedule it does what was left to do. A message that does not match goes to the dead-letter queue. */
export const createSweeper =
  (deps: () => ServiceDeps) =>
  async (event: unknown, context: Pick<Context, "getRemainingTimeInMillis">): Promise<void> => {
    const message = SweepMessage.parse(event);
    const world = deps();
    if ("scheduled" in message) await deliverFiring(world, message);
    else await attendAll(world, world.clock() + context.getRemainingTimeInMillis() - RESERVE_MS);
  };

export const handler = createSweeper(serviceDeps);
