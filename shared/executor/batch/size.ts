import type { Market } from "../../prices.ts";
import type { Executor } from "../../schemas/study.ts";

export type BatchSpec = Extract<Executor, { type: "batch" }>;

/** What a study's trials get when it does not say. */
const DEFAULTS = { vcpus: 1, memoryMiB: 2048, gpus: 0, timeoutSeconds: 4 * 3600 } as const;

export interface Size {
  /** Whole ones: machines are shared by the vCPU. */
  readonly vcpus: number;
  readonly memoryMiB: number;
  readonly gpus: number;
  /** After this long a job is ended by Batch, whatever it does. */
  readonly timeoutSeconds: number;
}

/** Which machines the study's jobs run on. */
export const marketOf = ({ market = "spot" }: Pick<BatchSpec, "market">): Market => market;

/** What one job of the study takes. */
export const sizeOf = (executor: BatchSpec): Size => ({
  vcpus: Math.ceil(executor.vcpus ?? DEFAULTS.vcpus),
  memoryMiB: executor.memoryMiB ?? DEFAULTS.memoryMiB,
  gpus: executor.gpus ?? DEFAULTS.gpus,
  timeoutSeconds: executor.timeoutSeconds ?? DEFAULTS.timeoutSeconds,
});
