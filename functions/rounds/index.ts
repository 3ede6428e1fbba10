import { type RoundsReply, RoundsRequest } from "../../shared/schemas/rounds.ts";
import type { ServiceDeps } from "../../shared/service/core/deps.ts";
import { closeRung } from "../../shared/service/rounds/close.ts";
import { failRounds } from "../../shared/service/rounds/fail.ts";
import { openFold, planFolds } from "../../shared/service/rounds/folds.ts";
import { listTrials, openRung } from "../../shared/service/rounds/open.ts";
import { planBrackets } from "../../shared/service/rounds/plan.ts";
import { listWave, openWave } from "../../shared/service/rounds/waves.ts";
import { serviceDeps } from "../deps.ts";

/** The rounds Lambda: the steps of the state machines (infra/machines). */
export const createRounds =
  (deps: () => ServiceDeps) =>
  async (event: unknown): Promise<RoundsReply> => {
    const request = RoundsRequest.parse(event);
    switch (request.action) {
      case "plan":
        return planBrackets(deps(), request);
      case "open":
        return openRung(deps(), request, request.parallel);
      case "list":
        return listTrials(deps(), request);
      case "close":
        return closeRung(deps(), request);
      case "folds":
        return planFolds(deps(), request);
      case "fold":
        return openFold(deps(), request);
      case "wave":
        return openWave(deps(), request, request.begun);
      case "wave-list":
        return listWave(deps(), request, request);
      case "fail":
        await failRounds(deps(), request);
        return null;
    }
  };

export const handler = createRounds(serviceDeps);
