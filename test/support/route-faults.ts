import { isDeepStrictEqual } from "node:util";
import { expect, test } from "vitest";
import { isKeyed, routes } from "../../shared/api/routes.ts";
import { enumerate, type Heard, itemsOf, type Scenario, type Visit } from "./crash-points.ts";
import { routeScenarios, type WriteRoute } from "./crash-scenarios.ts";
import type { Fault } from "./faults.ts";
import { ladderScenarios } from "./ladder-scenarios.ts";
import { segmentScenarios } from "./segment-scenarios.ts";
import { soundness } from "./soundness.ts";
import { sweepRoutes } from "./sweep-scenarios.ts";

export const everyFault: readonly Fault[] = [
  "crash-before",
  "crash-after",
  "lost-reply",
  "throttle",
  "conflict",
  "partial",
];

/** What does not depend on a receipt is tried with one. */
const faultsOf = (key: string | null): readonly Fault[] =>
  key === null ? everyFault.slice(0, 2) : everyFault;

/** A user's token is shown once. */
const SHOWN_ONCE: ReadonlySet<WriteRoute> = new Set(["createToken", "rotateToken"]);

/** Does not compile when a route that writes has no scenario. */
const everyRoute: { readonly [N in WriteRoute]: Readonly<Record<string, Scenario>> } = {
  ...routeScenarios,
  ...sweepRoutes,
};

const cases = [everyRoute, ladderScenarios, segmentScenarios].flatMap((table) =>
  Object.entries(table).flatMap(([route, scenarios]) =>
    Object.entries(scenarios).map(([name, scenario]) => ({ route: route as WriteRoute, name, scenario })),
  ),
);

/**
 * Every write of the API under a fault at every call that it makes, in a world of its own for each.
 * @param key the Idempotency-Key that the client sends, or null.
 */
export const testRoutes = (key: string | null): void => {
  test.each(cases)(
    "$route, $name: whichever call fails, it is done once",
    async ({ route, scenario }) => {
      const also = async (visit: Visit): Promise<void> => {
        expect(await soundness(visit.world)).toEqual([]);
        if (key !== null) await expectReplay(route, visit);
      };
      for (const [fault, hits] of await enumerate(scenario, faultsOf(key), key, also)) {
        // Every route writes to the table, but one that writes to the bucket alone; only some write in batches.
        if (fault !== "partial" && route !== "exportAudit") expect(hits, fault).toBeGreaterThan(0);
      }
    },
    300_000,
  );
};

/** No receipt holds where a checkpoint is uploaded: whoever has the URL may write there. */
const withoutUrls = ({ status, body }: Heard): string => {
  if (typeof body !== "object" || body === null) return JSON.stringify({ status, body });
  const { upload, ...rest } = body as { readonly upload?: unknown };
  return JSON.stringify({ status, body: rest });
};

/** The answer to a repeat is the first one, byte for byte, and the repeat changes nothing. */
const expectReplay = async (route: WriteRoute, { repeat, answer, world }: Visit): Promise<void> => {
  const told = itemsOf(world);
  const again = await repeat();
  if (!isKeyed(routes[route])) expect(again.status).toBe(answer.status);
  else if (SHOWN_ONCE.has(route)) expect(again).toMatchObject({ status: 409, body: { type: "shown-once" } });
  else expect(JSON.stringify(again)).toBe(withoutUrls(answer));
  // What has not changed is as sound as it was.
  if (!isDeepStrictEqual(itemsOf(world), told)) expect(await soundness(world)).toEqual([]);
};
