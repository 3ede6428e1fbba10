import { RateLimited } from "../../errors.ts";
import { countRequests } from "../../store/request-count.ts";
import type { ServiceDeps } from "../core/deps.ts";
import type { RequestCount } from "../core/warm.ts";

/** Requests are counted in windows of this length: a team may use a window's at once. */
export const WINDOW_MS = 10_000;
/** Requests of a team that a process lets pass before it tells the others: what a window may have too many, for each process. */
const MOST_UNTOLD = 50;
/** Of the limit of a window, so that small limits hold too. */
const UNTOLD_SHARE = 0.05;

type RateDeps = Pick<ServiceDeps, "store" | "clock" | "warm" | "log" | "teamRate">;

/**
 * Counts a request of a team. A process counts in memory and tells the others by one write for every 50 requests of a team, so most requests
 * write nothing, and none of a team that makes fewer than that in ten seconds. With p processes at most the limit and p times
 * 50 requests pass in a window.
 * @throws RateLimited until the window ends.
 */
export const takeRequest = async (deps: RateDeps, team: string): Promise<void> => {
  const now = deps.clock();
  const window = Math.floor(now / WINDOW_MS);
  const most = (deps.teamRate * WINDOW_MS) / 1000;
  const known = deps.warm.requests.get(team);
  const count: RequestCount = known?.window === window ? known : { window, total: 0, untold: 0 };
  deps.warm.requests.set(team, count);
  if (count.total + count.untold >= most) {
    const seconds = Math.ceil(((window + 1) * WINDOW_MS - now) / 1000);
    throw new RateLimited({ kind: "too-many-requests", most: deps.teamRate }, seconds);
  }
  count.untold++;
  if (count.untold >= Math.min(MOST_UNTOLD, Math.max(1, most * UNTOLD_SHARE)))
    await tell(deps, team, count, now);
};

/** A limit that cannot be counted must not refuse anyone. */
const tell = async (deps: RateDeps, team: string, count: RequestCount, now: number): Promise<void> => {
  const own = count.untold;
  count.untold = 0;
  count.total += own;
  try {
    const { requests } = await deps.store.update(countRequests(team, count.window, own, now));
    count.total = Math.max(count.total, Number(requests));
  } catch (error) {
    deps.log("requests-not-counted", { team, error: error instanceof Error ? error.name : "unknown" });
  }
};
