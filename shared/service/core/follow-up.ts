import type { ServiceDeps } from "./deps.ts";

/** What follows from something once it is committed. */
export type FollowUp = () => Promise<void>;

/**
 * Does what follows from something that is committed. It never throws: the commit stands and is acknowledged, and what
 * could not be done now the reconciler, or the next request, does.
 */
export const followUp = async (
  { log }: Pick<ServiceDeps, "log">,
  study: string,
  run: FollowUp,
): Promise<void> => {
  try {
    await run();
  } catch (error) {
    const { name, message } = error instanceof Error ? error : { name: "unknown", message: "" };
    log("follow-up-failed", { study, error: name, message });
  }
};
