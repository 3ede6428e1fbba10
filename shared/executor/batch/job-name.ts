import { ID } from "../../patterns.ts";

/** Which attempt a job runs. */
export interface JobAddress {
  readonly study: string;
  readonly trial: number;
  readonly attempt: number;
}

/** Every job of ours begins with this. */
export const JOB_PREFIX = "hone-";

/** One attempt, one name: a job whose submission was unclear is found by it. At most 93 of Batch's 128 characters. */
export const jobName = ({ study, trial, attempt }: JobAddress): string =>
  `${JOB_PREFIX}${study}-${trial}-${attempt}`;

const FORM = new RegExp(`^${JOB_PREFIX}(${ID})-(\\d{1,16})-(\\d{1,7})$`);

/** @returns null for a job that is not ours. */
export const parseJobName = (name: string): JobAddress | null => {
  const [, study, trial, attempt] = FORM.exec(name) ?? [];
  if (study === undefined) return null;
  return { study, trial: Number(trial), attempt: Number(attempt) };
};
