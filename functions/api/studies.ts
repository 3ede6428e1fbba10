import { authorize } from "../../shared/auth/authorize.ts";
import { startStudy } from "../../shared/service/batch/start.ts";
import { stopStudy } from "../../shared/service/batch/stop.ts";
import { createStudy as create } from "../../shared/service/studies/create.ts";
import { deleteStudy as remove } from "../../shared/service/studies/delete.ts";
import { listStudies as list } from "../../shared/service/studies/list.ts";
import { patchStudy as patch } from "../../shared/service/studies/patch.ts";
import { readStudy } from "../../shared/service/studies/read.ts";
import type { Handler } from "./handler.ts";

export const createStudy: Handler<"createStudy"> = async ({ team, body, caller, write }, deps) => {
  for (const { study } of body.warmStart?.studies ?? []) authorize(caller, "study:read", { team, study });
  const study = await create(deps, team, body, write);
  return { body: study, location: study.study };
};

export const listStudies: Handler<"listStudies"> = async ({ team, query }, deps) => ({
  body: await list(deps, team, query),
});

export const getStudy: Handler<"getStudy"> = async ({ study }, deps) => ({
  body: await readStudy(deps, study),
});

export const patchStudy: Handler<"patchStudy"> = async ({ study, body, write }, deps) => ({
  body: await patch(deps, study, body, write),
});

export const deleteStudy: Handler<"deleteStudy"> = async ({ study, write }, deps) => {
  await remove(deps, study, write);
  return { body: null };
};

export const start: Handler<"start"> = async ({ study, write }, deps) => ({
  body: await startStudy(deps, study, write),
});

export const stop: Handler<"stop"> = async ({ study, body, write }, deps) => ({
  body: await stopStudy(deps, study, body, write),
});
