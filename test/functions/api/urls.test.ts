import { expect, test } from "vitest";
import * as z from "zod";
import { type Route, type RouteName, routes } from "../../../shared/api/routes.ts";
import type { CheckpointUrls, ClaimReply } from "../../../shared/schemas/trial.ts";
import { askTrials } from "../../../shared/service/trials/ask.ts";
import { type MemoryWorld, memoryWorld } from "../../support/batch.ts";
import { callerAs } from "../../support/callers.ts";
import { type Gateway, gateway, type Request } from "../../support/gateway.ts";
import { makeStudy, noReceipt, TEAM } from "../../support/service.ts";

/** Who has a presigned URL may use it, whoever it was made for: so a job must get none but those of its own trial. */

const table = Object.entries(routes) as [RouteName, Route][];

/** Every URL of the bucket in a reply, wherever it stands. */
const urlsIn = (body: unknown): string[] =>
  JSON.stringify(body).match(/https:\/\/bucket\.test\/[^"]*/g) ?? [];
const keyOf = (url: string): string => url.replace(/^https:\/\/bucket\.test\//, "").replace(/\?.*$/, "");
/** What the keys of a trial's checkpoints, and of nothing else, begin with. */
const ofTrial = (study: string, trial: number): RegExp =>
  new RegExp(`^checkpoints/${TEAM}/${study}/${trial}/`);

/** Bodies with which a job may try each route; those that end a trial are left to the end. */
const bodies = (jobId: string): Partial<Record<RouteName, object>> => ({
  claim: { attempt: 1, jobId, claimant: "claimant-0123456789" },
  report: { attempt: 1, step: 1, values: { accuracy: 0.5 } },
  heartbeat: { attempt: 1 },
  checkpoint: { attempt: 1 },
  exportAudit: { month: "2026-11" },
  createToken: { name: "mine", role: "owner" },
  createGrant: { principal: { member: "ann" }, study: null, role: "owner" },
  tell: { attempt: 1, values: { accuracy: 0.5 } },
});

const inOrder = table.toSorted(([one], [other]) => Number(one === "tell") - Number(other === "tell"));

interface Job {
  readonly trial: number;
  readonly jobId: string;
  readonly token: string;
}

/** Tries every route as a job, for a trial. @returns the URLs by the routes that gave some. */
const tryAll = async (
  call: Gateway,
  { jobId, ...who }: Pick<Job, "jobId"> & Pick<Request, "token" | "caller">,
  study: string,
  trial: number,
): Promise<Partial<Record<RouteName, string[]>>> => {
  const got: Partial<Record<RouteName, string[]>> = {};
  for (const [name, { method, path }] of inOrder) {
    // Past the authorizer come only paths of trials: no policy of a job names any other.
    if (who.caller !== undefined && !path.includes("{number}")) continue;
    const filled = path
      .replace("{study}", study)
      .replace("{number}", String(trial))
      .replace(/\{\w+\}/g, "abcdefghijkl");
    const body = bodies(jobId)[name];
    const reply = await call(method, `/v1/teams/${TEAM}${filled}`, { ...who, ...(body && { body }) });
    const urls = urlsIn(reply.body);
    if (urls.length > 0) got[name] = urls;
  }
  return got;
};

const submitted = async (world: MemoryWorld): Promise<Job[]> => {
  await world.start();
  await world.deliver();
  return world.batch.alive().map((job) => {
    world.batch.run(job);
    const { HONE_TRIAL, HONE_TOKEN = "" } = job.environment;
    return { trial: Number(HONE_TRIAL), jobId: job.jobId, token: HONE_TOKEN };
  });
};

test("these routes hand out URLs, and no others", () => {
  const handing = table.filter(
    ([, { reply }]) =>
      reply !== null && JSON.stringify(z.toJSONSchema(reply, { io: "input" })).includes('"url"'),
  );
  expect(handing.map(([name]) => name).sort()).toEqual([
    "checkpoint",
    "claim",
    "exportAudit",
    "heartbeat",
    "report",
  ]);
});

test("a job gets URLs of its own trial alone, by every route, and by none those of another trial or study", async () => {
  const world = await memoryWorld();
  const call = gateway(world.deps);
  const elsewhere = await makeStudy(world.deps);
  await askTrials(world.deps, elsewhere, { count: 2 }, noReceipt);
  const jobs = await submitted(world);
  expect(jobs.map(({ trial }) => trial)).toEqual([0, 1]);
  const { id } = world.study;

  // With the token of the job's environment, which may claim and nothing else, under either job's id.
  const claimed: Job[] = [];
  for (const job of jobs) {
    const other = jobs.find((each) => each !== job) as Job;
    for (const jobId of [job.jobId, other.jobId]) {
      const { token, trial } = job;
      const caller = { kind: "bootstrap", team: TEAM, study: id, trial, attempt: 1 } as const;
      for (const who of [{ token }, { caller }]) {
        expect(await tryAll(call, { jobId, ...who }, id, other.trial)).toEqual({});
        expect(await tryAll(call, { jobId, ...who }, elsewhere.id, trial)).toEqual({});
      }
    }
    const { body } = await call<ClaimReply>(
      "POST",
      `/v1/teams/${TEAM}/studies/${id}/trials/${job.trial}/claim`,
      {
        token: job.token,
        body: bodies(job.jobId).claim,
      },
    );
    expect(keyOf(body.upload.url)).toMatch(ofTrial(id, job.trial));
    expect(body.download).toBeNull();
    world.checkpoints.upload(body.upload);
    claimed.push({ ...job, token: body.token });
    // What was uploaded is committed, so that there is something to download.
    const beat = await call("POST", `/v1/teams/${TEAM}/studies/${id}/trials/${job.trial}/heartbeat`, {
      token: body.token,
      body: { attempt: 1, checkpoint: body.upload.checkpoint },
    });
    expect(beat.status).toBe(200);
  }

  for (const job of claimed) {
    const other = claimed.find((each) => each !== job) as Job;
    const { jobId, token, trial } = job;
    const caller = { kind: "trial", team: TEAM, study: id, trial, attempt: 1 } as const;
    // Through the authorizer, whose policy names the trial, and past it, to the handler's own decision.
    for (const who of [{ token }, { caller }]) {
      expect(await tryAll(call, { jobId, ...who }, id, other.trial)).toEqual({});
      expect(await tryAll(call, { jobId, ...who }, elsewhere.id, trial)).toEqual({});
    }
    const own = await tryAll(call, { jobId, token }, id, trial);
    expect(Object.keys(own).sort()).toEqual(["checkpoint", "heartbeat", "report"]);
    expect(own.checkpoint).toHaveLength(2);
    for (const url of Object.values(own).flat()) expect(keyOf(url)).toMatch(ofTrial(id, job.trial));
  }
});

test("a job that names the checkpoint of another trial gets no URL of it", async () => {
  const world = await memoryWorld();
  const call = gateway(world.deps);
  const [first, second] = await world.launch();
  if (first === undefined || second === undefined) throw new Error("Two jobs were expected.");
  world.checkpoints.upload(first.upload);
  const path = `/v1/teams/${TEAM}/studies/${world.study.id}/trials/${second.number}`;
  const body = { attempt: 1, checkpoint: first.upload.checkpoint };
  const { status, body: problem } = await call("POST", `${path}/heartbeat`, { token: second.token, body });
  expect([status, problem.pointer]).toEqual([422, "/checkpoint"]);
  const urls = await call<CheckpointUrls>("POST", `${path}/checkpoint`, {
    token: second.token,
    body: { attempt: 1 },
  });
  expect(urls.body.download).toBeNull();
});

test("a segment of population-based training may download the checkpoint of its parent, and nothing else of it", async () => {
  const world = await memoryWorld({
    algorithm: { name: "pbt", population: 2, seed: 1 },
    scheduler: { name: "segments", resource: { name: "epoch", min: 1, max: 2 } },
    budget: { trials: 4, parallel: 2 },
  });
  const call = gateway(world.deps);
  for (const { number, token, upload } of await world.launch()) {
    world.checkpoints.upload(upload);
    await call("POST", `/v1/teams/${TEAM}/studies/${world.study.id}/trials/${number}/tell`, {
      token,
      body: { attempt: 1, values: { accuracy: number / 10 }, checkpoint: upload.checkpoint },
    });
    await world.endJob(number);
  }
  await world.deliver();
  const [job] = world.batch.alive();
  if (job === undefined) throw new Error("A job of the second generation was expected.");
  world.batch.run(job);
  const number = Number(job.environment.HONE_TRIAL);
  const claim = await world.claim(number);
  const parent = claim.parent ?? -1;
  expect(parent).toBeGreaterThanOrEqual(0);
  expect(keyOf(claim.upload.url)).toMatch(ofTrial(world.study.id, number));
  expect(keyOf(claim.download?.url ?? "")).toMatch(ofTrial(world.study.id, parent));
  expect(await tryAll(call, { jobId: job.jobId, token: claim.token }, world.study.id, parent)).toEqual({});
  const owner = { caller: callerAs("owner") };
  const told = await call("GET", `/v1/teams/${TEAM}/studies/${world.study.id}/trials/${number}`, owner);
  expect(urlsIn(told.body)).toEqual([]);
});
