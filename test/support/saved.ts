import type { Upload } from "../../shared/schemas/trial.ts";
import { checkpointsOfTrial } from "../../shared/service/trials/checkpoint.ts";
import { heartbeatTrial } from "../../shared/service/trials/report.ts";
import type { MemoryWorld } from "./batch.ts";
import { noReceipt } from "./service.ts";

/** Uploads a checkpoint of an attempt. @returns what it was uploaded to. */
export const upload = async (world: MemoryWorld, trial: number, attempt = 1): Promise<Upload> => {
  const { upload: next } = await checkpointsOfTrial(world.deps, world.study, trial, { attempt });
  world.checkpoints.upload(next);
  return next;
};

/** A checkpoint that is uploaded and committed. */
export const save = async (world: MemoryWorld, trial: number, attempt = 1): Promise<Upload> => {
  const saved = await upload(world, trial, attempt);
  const body = { attempt, checkpoint: saved.checkpoint };
  await heartbeatTrial(world.deps, world.study, trial, body, noReceipt);
  return saved;
};
