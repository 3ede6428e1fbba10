import { HIDDEN, type Study } from "../../shared/schemas/study.ts";
import type { Sweep } from "../../shared/schemas/sweep.ts";
import type { TrialDetail } from "../../shared/schemas/trial.ts";
import type { TextReply } from "./handler.ts";

/**
 * What those who may not change a study do not see of it, nor of the template of a sweep, in whatever reply shows it: the command, the
 * environment and the secrets of its jobs, in which people put what is nobody's business, and the ids of these jobs.
 */
export const withoutMachines = <R extends { readonly body: unknown } | TextReply>(reply: R): R => {
  if (!("body" in reply) || typeof reply.body !== "object" || reply.body === null) return reply;
  const { body } = reply;
  if (isStudy(body)) return { ...reply, body: { ...body, executor: withoutCommand(body.executor) } };
  if (isSweep(body)) return { ...reply, body: { ...body, template: withoutCommandIn(body.template) } };
  if (isTrial(body))
    return { ...reply, body: { ...body, jobId: null, attempts: body.attempts.map(withoutJob) } };
  return reply;
};

const isStudy = (body: object): body is Study => "executor" in body && "space" in body;
const isSweep = (body: object): body is Sweep => "template" in body && "schedule" in body;
const isTrial = (body: object): body is TrialDetail => "jobId" in body && "attempts" in body;

const withoutJob = (attempt: TrialDetail["attempts"][number]): TrialDetail["attempts"][number] => ({
  ...attempt,
  jobId: null,
});

const withoutCommandIn = ({ executor, ...template }: Sweep["template"]): Sweep["template"] => ({
  ...template,
  ...(executor !== undefined && { executor: withoutCommand(executor) }),
});

/** Its fields stay, so that a client that reads them goes on; `hidden` names those that are not shown. */
const withoutCommand = (executor: Study["executor"]): Study["executor"] => {
  if (executor.type !== "batch") return executor;
  const { environment, secrets, ...rest } = executor;
  return { ...rest, command: [], hidden: [...HIDDEN] };
};
