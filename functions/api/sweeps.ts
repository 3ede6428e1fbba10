import { authorize, type Caller } from "../../shared/auth/authorize.ts";
import type { CreateStudyBody } from "../../shared/schemas/study.ts";
import { createSweep as create } from "../../shared/service/sweeps/create.ts";
import { deleteSweep as remove } from "../../shared/service/sweeps/delete.ts";
import { patchSweep as patch } from "../../shared/service/sweeps/patch.ts";
import { listFirings as firings, listSweeps as list, readSweep } from "../../shared/service/sweeps/read.ts";
import { runSweep as run } from "../../shared/service/sweeps/run.ts";
import type { Handler } from "./handler.ts";

/** Whoever has studies begin with the results of others must be allowed to read those. */
const authorizeEarlier = (caller: Caller, team: string, template: CreateStudyBody | undefined): void => {
  for (const { study } of template?.warmStart?.studies ?? [])
    authorize(caller, "study:read", { team, study });
};

export const createSweep: Handler<"createSweep"> = async ({ team, body, caller, write }, deps) => {
  authorizeEarlier(caller, team, body.template);
  const sweep = await create(deps, team, body, write);
  return { body: sweep, location: sweep.sweep };
};

export const listSweeps: Handler<"listSweeps"> = async ({ team, query }, deps) => ({
  body: await list(deps, team, query),
});

export const getSweep: Handler<"getSweep"> = async ({ team, sweep }, deps) => ({
  body: await readSweep(deps, team, sweep),
});

export const patchSweep: Handler<"patchSweep"> = async ({ team, sweep, body, caller, write }, deps) => {
  authorizeEarlier(caller, team, body.template);
  return { body: await patch(deps, team, sweep, body, write) };
};

export const deleteSweep: Handler<"deleteSweep"> = async ({ team, sweep, write }, deps) => {
  await remove(deps, team, sweep, write);
  return { body: null };
};

export const runSweep: Handler<"runSweep"> = async ({ team, sweep, write }, deps) => ({
  body: await run(deps, team, sweep, write),
});

export const listFirings: Handler<"listFirings"> = async ({ team, sweep, query }, deps) => ({
  body: await firings(deps, team, sweep, query),
});
