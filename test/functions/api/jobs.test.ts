import { beforeEach, expect, test } from "vitest";
import { type Caller, mayEdit } from "../../../shared/auth/authorize.ts";
import type { Study } from "../../../shared/schemas/study.ts";
import type { ClaimReply, TrialDetail, TrialPage } from "../../../shared/schemas/trial.ts";
import { batchExecution, type MemoryWorld, memoryWorld } from "../../support/batch.ts";
import { callerAs } from "../../support/callers.ts";
import { type Gateway, gateway } from "../../support/gateway.ts";
import { TEAM } from "../../support/service.ts";

/** What others than its own job may do to a trial that Hone runs, and what they see of how it is run. */

const MARK = "canary-4711";
let world: MemoryWorld;
let call: Gateway;
let base: string;
let claims: ClaimReply[];

beforeEach(async () => {
  world = await memoryWorld({
    executor: {
      ...batchExecution,
      command: ["train", MARK],
      environment: { MODE: MARK },
      secrets: { TOKEN: { secretsManager: `hone/${TEAM}/${MARK}` } },
    },
    budget: { trials: 6, parallel: 2 },
  });
  call = gateway(world.deps);
  base = `/v1/teams/${TEAM}/studies/${world.study.id}`;
  claims = await world.launch();
});

const ofStudy = () => ({ study: world.study.id });
const strangers = (): Caller[] => [
  callerAs("worker"),
  callerAs("worker", ofStudy()),
  callerAs(null, { granted: "worker" }),
  callerAs("viewer", { granted: "worker" }),
];
const masters = (): Caller[] => [
  callerAs("editor"),
  callerAs("owner"),
  callerAs("worker", { granted: "editor" }),
  callerAs("editor", { ...ofStudy(), member: "ada" }),
];

test("a worker's token can neither tell, report nor keep alive a trial that a job runs", async () => {
  const values = { accuracy: 1e9 };
  for (const caller of strangers()) {
    for (const [path, body] of Object.entries({
      tell: { attempt: 1, values },
      report: { attempt: 1, step: 1, values },
      heartbeat: { attempt: 1 },
      checkpoint: { attempt: 1 },
    })) {
      const { status, body: problem } = await call("POST", `${base}/trials/0/${path}`, { caller, body });
      expect([status, problem.type], path).toEqual([403, "forbidden"]);
    }
  }
  expect(await world.trial(0)).toMatchObject({ state: "running", values: null });
});

test("a trial is told by its own job, and shows nobody for it", async () => {
  const body = { attempt: 1, values: { accuracy: 0.5 } };
  expect((await call("POST", `${base}/trials/0/tell`, { token: claims[0]?.token ?? "", body })).status).toBe(
    200,
  );
  const { body: trial } = await call<TrialDetail>("GET", `${base}/trials/0`, { caller: callerAs("viewer") });
  expect(trial).toMatchObject({ state: "completed" });
  expect(trial).not.toHaveProperty("toldBy");
});

test.each([
  ["a member's token", { member: "ada" }, "ada"],
  ["a token of nobody", {}, "token abcdefghijkl"],
] as const)(
  "an editor may tell in place of a job, which the trial, lists and exports show: %s",
  async (_, who, shown) => {
    const caller = callerAs("editor", who);
    const body = { attempt: 1, values: { accuracy: 0.5 } };
    expect((await call("POST", `${base}/trials/0/tell`, { caller, body })).status).toBe(200);
    const viewer = { caller: callerAs("viewer") };
    expect((await call<TrialDetail>("GET", `${base}/trials/0`, viewer)).body.toldBy).toBe(shown);
    expect((await call<TrialPage>("GET", `${base}/export`, viewer)).body.trials[0]?.toldBy).toBe(shown);
    const { body: csv } = await call<string>("GET", `${base}/export?format=csv`, viewer);
    const [header = "", row = ""] = csv.split("\r\n");
    expect(row.split(",")[header.split(",").indexOf("toldBy")]).toBe(shown);
  },
);

test("an editor may report in its place, too, which is shown", async () => {
  const body = { attempt: 1, step: 1, values: { accuracy: 0.5 } };
  await call("POST", `${base}/trials/0/report`, { caller: callerAs("owner", { member: "bob" }), body });
  expect(await world.trial(0)).toMatchObject({ toldBy: "bob" });
});

test("those who may not change a study see neither command, environment and secrets nor ids of its jobs, the others do", async () => {
  const readers: Caller[] = [
    callerAs("viewer"),
    callerAs("worker", ofStudy()),
    callerAs(null, { granted: "viewer" }),
  ];
  const paths = ["", "/trials", "/trials/0", "/trials/1", "/best", "/export"];
  const { jobId } = world.batch.of(0);
  const lost = world.batch.of(1);
  await world.settle(world.batch.fail(lost, { statusReason: "Host EC2 (instance i-1) terminated." }));
  for (const caller of readers) {
    for (const path of paths) {
      const { body } = await call<object>("GET", `${base}${path}`, { caller });
      expect(JSON.stringify(body), path).not.toContain(MARK);
      expect(JSON.stringify(body), path).not.toContain(jobId);
      expect(JSON.stringify(body), path).not.toContain(lost.jobId);
    }
    const { body } = await call<Study>("GET", base, { caller });
    expect(body.executor).toMatchObject({
      image: batchExecution.image,
      command: [],
      hidden: ["command", "environment", "secrets"],
    });
  }
  for (const caller of masters()) {
    const { body } = await call<Study>("GET", base, { caller });
    expect(body.executor).toMatchObject({
      command: ["train", MARK],
      environment: { MODE: MARK },
      secrets: { TOKEN: { secretsManager: `hone/${TEAM}/${MARK}` } },
    });
    expect(body.executor).not.toHaveProperty("hidden");
    expect((await call<TrialDetail>("GET", `${base}/trials/0`, { caller })).body.jobId).toBe(jobId);
    const { body: second } = await call<TrialDetail>("GET", `${base}/trials/1`, { caller });
    expect(second.attempts).toMatchObject([{ jobId: lost.jobId }]);
  }
});

test("whoever may change a study may tell in place of its jobs, and nobody else", () => {
  expect(masters().map((caller) => caller.kind !== "refused" && mayEdit(caller))).toEqual([
    true,
    true,
    true,
    true,
  ]);
  expect(strangers().map((caller) => caller.kind !== "refused" && mayEdit(caller))).toEqual([
    false,
    false,
    false,
    false,
  ]);
});
