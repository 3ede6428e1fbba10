import { expect, test } from "vitest";
import type { Upload } from "../../../../shared/schemas/trial.ts";
import { askTrials } from "../../../../shared/service/trials/ask.ts";
import { checkpointsOfTrial } from "../../../../shared/service/trials/checkpoint.ts";
import { heartbeatTrial, reportTrial } from "../../../../shared/service/trials/report.ts";
import { tellTrial } from "../../../../shared/service/trials/tell.ts";
import { type MemoryWorld, memoryWorld } from "../../../support/batch.ts";
import { before, UPDATE } from "../../../support/interleave.ts";
import { keyed, noReceipt } from "../../../support/service.ts";

const world = () =>
  memoryWorld({
    executor: { type: "client" },
    budget: { trials: 4 },
    lease: { seconds: 60, maxAttempts: 3 },
    repeats: { attempts: 2 },
  });
const OVER = 61_000;

const running = async (): Promise<MemoryWorld> => {
  const made = await world();
  await askTrials(made.deps, made.study, { worker: "w1" }, noReceipt);
  return made;
};
const next = async (at: MemoryWorld, attempt = 1): Promise<Upload> => {
  at.clock.now += 1000;
  return (await checkpointsOfTrial(at.deps, at.study, 0, { attempt })).upload;
};
const uploaded = async (at: MemoryWorld, attempt = 1): Promise<Upload> => {
  const upload = await next(at, attempt);
  at.checkpoints.upload(upload);
  return upload;
};
const beat = (at: MemoryWorld, checkpoint: string, attempt = 1) =>
  heartbeatTrial(at.process(), at.study, 0, { attempt, checkpoint }, noReceipt);
const refused = (kind: string) => ({ pointer: "/checkpoint", errors: [{ fault: { kind } }] });

test("a checkpoint that was not uploaded is refused, and nothing changes", async () => {
  const at = await running();
  const { checkpoint } = await next(at);
  const values = { accuracy: 1 };
  const missing = refused("checkpoint-missing");
  const { leaseExpires } = await at.trial(0);
  await expect(beat(at, checkpoint)).rejects.toMatchObject(missing);
  const report = { attempt: 1, step: 1, values, checkpoint };
  await expect(reportTrial(at.deps, at.study, 0, report, noReceipt)).rejects.toMatchObject(missing);
  const tell = { attempt: 1, values, checkpoint };
  await expect(tellTrial(at.deps, at.study, 0, tell, keyed("key-1"))).rejects.toMatchObject(missing);
  expect(await at.trial(0)).toMatchObject({ state: "running", checkpoint: null, leaseExpires, values: null });
});

test("no two uploads have the same place, also in the same millisecond", async () => {
  const at = await running();
  const uploads = [];
  for (let i = 0; i < 3; i++) {
    uploads.push((await checkpointsOfTrial(at.deps, at.study, 0, { attempt: 1 })).upload);
  }
  expect(new Set(uploads.map(({ url }) => url)).size).toBe(3);
});

test("a commit replaces the one before, whose object is removed; repeating it changes nothing", async () => {
  const at = await running();
  const [first, second] = [await uploaded(at), await uploaded(at)];
  await beat(at, first.checkpoint);
  await beat(at, first.checkpoint);
  expect([first, second].map((each) => at.checkpoints.has(each))).toEqual([true, true]);
  await beat(at, second.checkpoint);
  expect([first, second].map((each) => at.checkpoints.has(each))).toEqual([false, true]);
  expect(await at.trial(0)).toMatchObject({ checkpoint: second.checkpoint });
  await beat(at, second.checkpoint);
  expect(at.checkpoints.has(second)).toBe(true);
});

test("an earlier checkpoint does not replace a later one, even if it is still there", async () => {
  const at = await running();
  const [first, second] = [await uploaded(at), await uploaded(at)];
  await beat(at, second.checkpoint);
  await expect(beat(at, first.checkpoint)).rejects.toMatchObject(refused("checkpoint-superseded"));
  expect(await at.trial(0)).toMatchObject({ checkpoint: second.checkpoint });
});

test("of two that are committed at once the later one stands, whoever writes last", async () => {
  const at = await running();
  const [first, second] = [await uploaded(at), await uploaded(at)];
  before(at.client, UPDATE, () => beat({ ...at, client: at.client }, second.checkpoint));
  const late = heartbeatTrial(at.deps, at.study, 0, { attempt: 1, checkpoint: first.checkpoint }, noReceipt);
  await expect(late).rejects.toMatchObject(refused("checkpoint-superseded"));
  expect(await at.trial(0)).toMatchObject({ checkpoint: second.checkpoint });
  expect(at.checkpoints.has(second)).toBe(true);
});

test.each(["hone:1-1-0123456789abcdef-", "hone:", "hone:2-5-0123456789abcdef"])(
  "%s is not the attempt's, and is refused",
  async (checkpoint) => {
    const at = await running();
    await expect(beat(at, checkpoint)).rejects.toMatchObject(refused("checkpoint-unknown"));
  },
);

test("what a lost attempt uploads late replaces nothing, and its attempt gets no more URLs", async () => {
  const at = await running();
  const saved = await uploaded(at);
  await beat(at, saved.checkpoint);
  const late = await next(at);
  at.clock.now += OVER;
  const { trials } = await askTrials(at.deps, at.study, { worker: "w2" }, noReceipt);
  expect(trials).toMatchObject([{ number: 0, attempt: 2, checkpoint: saved.checkpoint }]);
  at.checkpoints.upload(late);
  await expect(beat(at, late.checkpoint)).rejects.toMatchObject({ type: "stale-attempt" });
  await expect(next(at, 1)).rejects.toMatchObject({ type: "stale-attempt" });
  await expect(beat(at, late.checkpoint, 2)).rejects.toMatchObject(refused("checkpoint-unknown"));
  const { download } = await checkpointsOfTrial(at.deps, at.study, 0, { attempt: 2 });
  expect(at.checkpoints.has({ url: download?.url ?? "" })).toBe(true);
});

test("a failed trial that is tried again keeps its checkpoint, and one that ends does not", async () => {
  const at = await running();
  const saved = await uploaded(at);
  await beat(at, saved.checkpoint);
  const failed = { reason: "out of memory" };
  await tellTrial(at.deps, at.study, 0, { attempt: 1, failed }, noReceipt);
  expect(at.checkpoints.has(saved)).toBe(true);
  await askTrials(at.deps, at.study, {}, noReceipt);
  await tellTrial(at.deps, at.study, 0, { attempt: 2, failed }, noReceipt);
  expect(at.checkpoints.has(saved)).toBe(false);
});

test("a text of the client's own is handed on as it is, and has no download", async () => {
  const at = await running();
  await beat(at, "s3://mine/1");
  const { download } = await checkpointsOfTrial(at.deps, at.study, 0, { attempt: 1 });
  expect([download, (await at.trial(0)).checkpoint]).toEqual([null, "s3://mine/1"]);
});

test("a bucket that is away after the commit does not fail it", async () => {
  const at = await running();
  const [first, second] = [await uploaded(at), await uploaded(at)];
  await beat(at, first.checkpoint);
  at.checkpoints.remove = () => Promise.reject(new Error("down"));
  await beat(at, second.checkpoint);
  expect(await at.trial(0)).toMatchObject({ checkpoint: second.checkpoint });
  expect(at.lines).toContainEqual(expect.objectContaining({ event: "follow-up-failed" }));
});

test("a job gets URLs with its claim, with every heartbeat and with a report that goes on, and no receipt has them", async () => {
  const at = await memoryWorld({ budget: { trials: 1, parallel: 1 } });
  const [claim] = await at.launch();
  expect(claim).toMatchObject({ upload: { method: "PUT", maxBytes: 5 * 1024 ** 3 }, download: null });
  at.checkpoints.upload(claim?.upload ?? { url: "" });
  at.clock.now += 1000;
  const body = { attempt: 1, step: 1, values: { accuracy: 0 }, checkpoint: claim?.upload.checkpoint };
  const report = () => reportTrial(at.process(), at.study, 0, body, keyed("key-1"));
  const { upload, ...reply } = await report();
  expect(upload?.url).toMatch(/put$/);
  expect(upload?.url).not.toBe(claim?.upload.url);
  expect(await report()).toEqual(reply);
  expect(JSON.stringify(at.table.items())).not.toContain("https://");
  const heartbeat = await heartbeatTrial(at.deps, at.study, 0, { attempt: 1 }, noReceipt);
  expect(heartbeat.upload?.url).toMatch(/put$/);
  const again = await at.claim(0);
  expect(at.checkpoints.has({ url: again.download?.url ?? "" })).toBe(true);
});

test("a report or heartbeat of a client has no URLs: it asks for them when it needs them", async () => {
  const at = await running();
  expect(await heartbeatTrial(at.deps, at.study, 0, { attempt: 1 }, noReceipt)).not.toHaveProperty("upload");
});
