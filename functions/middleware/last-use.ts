import { setTimeout } from "node:timers/promises";
import type { Caller } from "../../shared/auth/authorize.ts";
import type { ServiceDeps } from "../../shared/service/core/deps.ts";
import { noteUse } from "../../shared/store/token.ts";
import type { Middleware } from "./event.ts";

/** How long a reply that is ready waits for the note. */
const MOST_MS = 50;

/**
 * Notes that a token is used, once in some minutes and beside the request: it fails none, and holds none up for long. The
 * authorizer says when it is time, and does not write itself: it has no right to.
 */
export const lastUse = (deps: () => Pick<ServiceDeps, "store" | "clock">): Middleware => {
  const settle: Middleware["after"] = async ({ event }) => {
    if (event.noting !== undefined) await Promise.race([event.noting, setTimeout(MOST_MS)]);
  };
  return {
    before: ({ event }) => {
      const { caller } = event;
      if (isDue(caller)) event.noting = note(deps(), caller);
    },
    after: settle,
    onError: settle,
  };
};

type Due = Extract<Caller, { readonly kind: "token" }>;

const isDue = (caller: Caller): caller is Due => caller.kind === "token" && caller.isUseDue === true;

const note = async (
  { store, clock }: Pick<ServiceDeps, "store" | "clock">,
  { team, id }: Due,
): Promise<void> => {
  try {
    await store.update(noteUse(team, id, clock()));
  } catch {
    // Another request noted it, the token is gone, or the table is away: the next use is noted.
  }
};
