import { type Caller, tellerOf } from "../../shared/auth/authorize.ts";
import { claimTrial } from "../../shared/service/batch/claim.ts";
import { addTrials as add } from "../../shared/service/trials/add.ts";
import { askTrials } from "../../shared/service/trials/ask.ts";
import { askParts } from "../../shared/service/trials/ask-parts.ts";
import { checkpointsOfTrial } from "../../shared/service/trials/checkpoint.ts";
import { inPart } from "../../shared/service/trials/in-part.ts";
import { lineageOf } from "../../shared/service/trials/lineage.ts";
import {
  bestTrials,
  exportTrials as exportPage,
  listTrials as list,
  readTrial,
} from "../../shared/service/trials/read.ts";
import { heartbeatTrial, reportTrial } from "../../shared/service/trials/report.ts";
import { tellTrial } from "../../shared/service/trials/tell.ts";
import type { LoadedStudy } from "../../shared/study/study.ts";
import { toCsv } from "./csv.ts";
import type { Handler } from "./handler.ts";

export const ask: Handler<"ask"> = async ({ study, body, write }, deps) => ({
  body:
    study.spec.nested === undefined
      ? await askTrials(deps, study, body, write)
      : await askParts(deps, study, study.spec.nested, body, write),
});

/** Who reports or tells in place of a job. */
const inPlaceOfJob = ({ spec }: LoadedStudy, caller: Caller): string | null =>
  spec.executor.type === "batch" ? tellerOf(caller) : null;

export const report: Handler<"report"> = async ({ study, number, body, caller, write }, deps) => ({
  body: await inPart(study, number, (part, own) =>
    reportTrial(deps, part, own, body, write, inPlaceOfJob(study, caller)),
  ),
});

export const heartbeat: Handler<"heartbeat"> = async ({ study, number, body, write }, deps) => ({
  body: await inPart(study, number, (part, own) => heartbeatTrial(deps, part, own, body, write)),
});

export const tell: Handler<"tell"> = async ({ study, number, body, caller, write }, deps) => ({
  body: await inPart(study, number, (part, own) =>
    tellTrial(deps, part, own, body, write, inPlaceOfJob(study, caller)),
  ),
});

export const checkpoint: Handler<"checkpoint"> = async ({ study, number, body }, deps) => ({
  body: await inPart(study, number, (part, own) => checkpointsOfTrial(deps, part, own, body)),
});

export const claim: Handler<"claim"> = async ({ study, number, body }, deps) => ({
  body: await inPart(study, number, (part, own) => claimTrial(deps, part, own, body)),
});

export const addTrials: Handler<"addTrials"> = async ({ study, body, write }, deps) => ({
  body: await add(deps, study, body, write),
});

export const listTrials: Handler<"listTrials"> = async ({ study, query }, deps) => ({
  body: await list(deps, study, query),
});

export const getTrial: Handler<"getTrial"> = async ({ study, number, query }, deps) => ({
  body: await inPart(study, number, (part, own) => readTrial(deps, part, own, query)),
});

export const best: Handler<"best"> = async ({ study, query }, deps) => ({
  body: await bestTrials(deps, study, query),
});

export const lineage: Handler<"lineage"> = async ({ study, query }, deps) => ({
  body: await lineageOf(deps, study, query),
});

export const exportTrials: Handler<"exportTrials"> = async ({ study, query }, deps) => {
  const { trials, cursor, ...columns } = await exportPage(deps, study, query);
  if (query.format !== "csv") return { body: { trials, cursor } };
  const limit = query.limit === undefined ? "" : `&limit=${query.limit}`;
  return {
    text: toCsv(trials, columns),
    type: "text/csv; charset=utf-8",
    fileName: `${study.id}.csv`,
    ...(cursor !== null && { next: `format=csv${limit}&cursor=${encodeURIComponent(cursor)}` }),
  };
};
