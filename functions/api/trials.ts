import { claimTrial } from "../../shared/service/batch/claim.ts";
import { addTrials as add } from "../../shared/service/trials/add.ts";
import { askTrials } from "../../shared/service/trials/ask.ts";
import { checkpointsOfTrial } from "../../shared/service/trials/checkpoint.ts";
import {
  bestTrials,
  exportTrials as exportPage,
  listTrials as list,
  readTrial,
} from "../../shared/service/trials/read.ts";
import { heartbeatTrial, reportTrial } from "../../shared/service/trials/report.ts";
import { tellTrial } from "../../shared/service/trials/tell.ts";
import { toCsv } from "./csv.ts";
import type { Handler } from "./handler.ts";

export const ask: Handler<"ask"> = async ({ study, body, write }, deps) => ({
  body: await askTrials(deps, study, body, write),
});

export const report: Handler<"report"> = async ({ study, number, body, write }, deps) => ({
  body: await reportTrial(deps, study, number, body, write),
});

export const heartbeat: Handler<"heartbeat"> = async ({ study, number, body, write }, deps) => ({
  body: await heartbeatTrial(deps, study, number, body, write),
});

export const tell: Handler<"tell"> = async ({ study, number, body, write }, deps) => ({
  body: await tellTrial(deps, study, number, body, write),
});

export const checkpoint: Handler<"checkpoint"> = async ({ study, number, body }, deps) => ({
  body: await checkpointsOfTrial(deps, study, number, body),
});

export const claim: Handler<"claim"> = async ({ study, number, body }, deps) => ({
  body: await claimTrial(deps, study, number, body),
});

export const addTrials: Handler<"addTrials"> = async ({ study, body, write }, deps) => ({
  body: await add(deps, study, body, write),
});

export const listTrials: Handler<"listTrials"> = async ({ study, query }, deps) => ({
  body: await list(deps, study, query),
});

export const getTrial: Handler<"getTrial"> = async ({ study, number, query }, deps) => ({
  body: await readTrial(deps, study, number, query),
});

export const best: Handler<"best"> = async ({ study, query }, deps) => ({
  body: await bestTrials(deps, study, query),
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
