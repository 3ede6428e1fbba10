import { type ClosedRung, type OpenedRung, RoundsRequest } from "../../shared/schemas/rounds.ts";
import type { ServiceDeps } from "../../shared/service/core/deps.ts";
import { closeRung, failRounds, openRung } from "../../shared/service/rounds/halving.ts";
import { serviceDeps } from "../deps.ts";

/** The rounds Lambda: the steps of the halving machine (infra/machines/halving.ts). */
export const createRounds =
  (deps: () => ServiceDeps) =>
  async (event: unknown): Promise<OpenedRung | ClosedRung | null> => {
    const request = RoundsRequest.parse(event);
    switch (request.action) {
      case "open":
        return openRung(deps(), request);
      case "close":
        return closeRung(deps(), request);
      case "fail":
        await failRounds(deps(), request, request.reason);
        return null;
    }
  };

export const handler = createRounds(serviceDeps);
