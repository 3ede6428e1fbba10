import type { Study } from "../../schemas/study.ts";
import type { LoadedStudy } from "../../study/study.ts";
import type { ServiceDeps } from "../core/deps.ts";
import { describe } from "../core/describe.ts";
import { readSnapshot } from "../core/snapshot.ts";
import { endExpired } from "../trials/expire.ts";

/** The study with its progress and best trials; ends trials whose last lease has expired. */
export const readStudy = async (deps: ServiceDeps, study: LoadedStudy): Promise<Study> =>
  describe(deps, await endExpired(deps, await readSnapshot(deps, study)));
