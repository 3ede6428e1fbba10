import { findHead } from "../../store/head.ts";
import {
  clearRegistration,
  findRegistration,
  listRegistrations,
  type Registration,
} from "../../store/registration.ts";
import { commitOnce } from "../core/commit.ts";
import type { ServiceDeps } from "../core/deps.ts";
import { SETTLED_MS } from "../studies/delete.ts";

/** What was begun so long ago that whoever began it has committed it or never will. */
export const overdueRegistrations = ({ store, clock }: ServiceDeps): Promise<Registration[]> =>
  listRegistrations(store, clock() - SETTLED_MS);

/**
 * Deregisters the job definitions that a start registered and no head names: it died, lost to another start, or was refused.
 * The list comes first: a start that began after it has made none of what is
 * listed, and one that began before it has left a note younger than ours.
 */
export const dropUnnamed = async (deps: ServiceDeps, registration: Registration): Promise<void> => {
  const { study, at } = registration;
  const definitions = await deps.batch.definitionsOf(study);
  if ((await findRegistration(deps.store, study))?.at !== at) return;
  const head = await findHead(deps.store, study);
  for (const definition of definitions) {
    // A retired one belongs to whoever closes or deletes the study.
    if (definition === head?.definition || definition === head?.retired) continue;
    deps.log("definition-dropped", { study });
    await deps.batch.deregister(definition);
  }
  await commitOnce(deps, [clearRegistration(registration)]);
};
