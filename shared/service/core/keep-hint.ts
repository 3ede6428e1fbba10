import type { Hint } from "../../optimizer/algorithm.ts";
import { MOST_HINTED, putHint } from "../../store/hint.ts";
import { updateOnce } from "./commit.ts";
import type { ServiceDeps } from "./deps.ts";
import { followUp } from "./follow-up.ts";

/** Keeps a hint for the next ask, on a cold Lambda too. An ask never fails because of it. */
export const keepHint = async (deps: ServiceDeps, study: string, hint: Hint | null): Promise<void> => {
  if (hint === null || hint.values.length > MOST_HINTED) return;
  await followUp(deps, study, async () => {
    await updateOnce(deps, putHint(study, hint, deps.clock()));
  });
};
