import { createRandom } from "../shared/numerics/random.ts";
import type { CreateStudyBody } from "../shared/schemas/study.ts";
import type { ServiceDeps } from "../shared/service/core/deps.ts";
import { loadStudy } from "../shared/service/core/load.ts";
import { createStudy } from "../shared/service/studies/create.ts";
import type { LoadedStudy } from "../shared/study/study.ts";
import { createMemoryTable } from "../test/support/memory-table/client.ts";
import { noReceipt, TEAM, type TestClock, testDeps } from "../test/support/service.ts";

/** A study on a table in memory, on a clock that is turned. */
export interface MemoryStudy {
  readonly deps: ServiceDeps;
  readonly load: () => Promise<LoadedStudy>;
  /** @param ms since the study was created. */
  readonly turn: (ms: number) => void;
}

/** A study that workers ask and report to. */
export const openStudy = async (body: CreateStudyBody, seed: number): Promise<MemoryStudy> => {
  const random = createRandom(seed, 0x66696465);
  const clock: TestClock = { now: Date.UTC(2026, 0, 1) };
  const { client, tableName } = createMemoryTable({}, () => clock.now);
  const deps: ServiceDeps = testDeps(client, tableName, clock, {
    randomBytes: (count) => Uint8Array.from({ length: count }, () => random.integer(256)),
  });
  const { study: id } = await createStudy(deps, TEAM, body, noReceipt);
  const start = clock.now;
  return {
    deps,
    load: () => loadStudy(deps, TEAM, id),
    turn: (ms) => {
      clock.now = start + Math.round(ms);
    },
  };
};
