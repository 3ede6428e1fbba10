import { RateLimited } from "../../errors.ts";
import {
  MAX_CREATIONS_A_MINUTE,
  MAX_STUDIES,
  MAX_SWEEPS,
  MINUTE_MS,
  SWEEP_CAP,
  TEAM_CAP,
  TEAM_RATE,
} from "../../store/team.ts";
import type { Plan } from "../core/commit.ts";

const HOUR_SECONDS = 3600;

/** What a caller is told when a creation meets one of the team's limits. */
export const creationRefusals = (now: number): NonNullable<Plan<unknown>["refusals"]> => ({
  [TEAM_CAP]: () => new RateLimited({ kind: "too-many-studies", most: MAX_STUDIES }, HOUR_SECONDS),
  [SWEEP_CAP]: () => new RateLimited({ kind: "too-many-sweeps", most: MAX_SWEEPS }, HOUR_SECONDS),
  [TEAM_RATE]: () => {
    const untilNextMinute = Math.ceil((MINUTE_MS - (now % MINUTE_MS)) / 1000);
    return new RateLimited({ kind: "too-many-creations", most: MAX_CREATIONS_A_MINUTE }, untilNextMinute);
  },
});
