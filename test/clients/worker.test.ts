import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import type { Params } from "../../shared/values.ts";
import { serve, sh, start } from "./driver.ts";
import type { Answer, Call, ContractService, Script } from "./service.ts";

const TOKEN = "hone_worker_0123456789";
const LEASE_MS = 30_000;
const leaseExpires = new Date(Date.now() + LEASE_MS).toISOString();

const handOut = (number: number, params: Params = { x: number }) => ({
  body: {
    trials: [
      {
        number,
        attempt: 1,
        params,
        resource: null,
        reportAt: null,
        checkpoint: null,
        leaseExpires,
        algorithm: "random",
        why: "uniform",
      },
    ],
    state: "running",
    retryAfter: null,
  },
});

const nothing = (state: string, retryAfter: number | null = null): Answer => ({
  body: { trials: [], state, retryAfter },
});

/** A service with a client study of `count` trials; the test can override other replies. */
const serveStudy = (count: number, script: Script = {}) => {
  let next = 0;
  const ask = () => (next < count ? handOut(next++) : nothing("finished"));
  return serve({ ask, ...script });
};

const environment = (service: ContractService) => ({
  HONE_API: service.api,
  HONE_TEAM: "acme",
  HONE_TOKEN: TOKEN,
});

const work = (service: ContractService, program: string, ...options: string[]) =>
  start(["worker", "--study", "svm-digits", ...options, "--", ...sh(program)], environment(service));

const loss = `echo "{\\"loss\\": $HONE_PARAM_X}"`;
const tells = (service: ContractService) =>
  service.of("tell").map((call: Call) => [call.number, call.body.values ?? call.body.failed.reason]);

test("a worker runs every trial that it gets, until the study is finished", async () => {
  const service = await serveStudy(3);
  const { code } = await work(service, loss).ended;
  expect(code).toBe(0);
  expect(tells(service)).toEqual([
    [0, { loss: 0 }],
    [1, { loss: 1 }],
    [2, { loss: 2 }],
  ]);
  expect(new Set(service.calls.map((call) => call.token))).toEqual(new Set([TOKEN]));
  expect(new Set(service.of("ask").map((call) => call.key)).size).toBe(4);
});

test("a worker sends three heartbeats in the time of a lease, by the service's clock", async () => {
  // The service's clock is a year ahead; a lease of 0.9 s counts as the shortest that there is, of 10 s.
  const ahead = Date.now() + 365 * 24 * 3600 * 1000;
  const late = (seconds: number): Answer => ({
    raw: (response) => {
      const { body } = handOut(0) as { body: { trials: object[] } };
      const trial = { ...body.trials[0], leaseExpires: new Date(ahead + seconds * 1000).toISOString() };
      response.setHeader("Date", new Date(ahead).toUTCString());
      response.end(JSON.stringify({ ...body, trials: [trial] }));
    },
  });
  const service = await serveStudy(1, {
    ask: (_, count) => (count === 1 ? late(0.9) : nothing("finished")),
  });
  const { code } = await work(service, `sleep 3.8; ${loss.replace("$HONE_PARAM_X", "0")}`).ended;
  expect([code, service.of("heartbeat").length]).toEqual([0, 1]);
});

test("two jobs run in parallel as separate workers, and their output lines have different labels", async () => {
  // Each program waits until the other has started.
  const folder = await mkdtemp(join(tmpdir(), "hone-worker-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  const program = `
    touch ${folder}/$HONE_TRIAL
    until [ -e ${folder}/0 ] && [ -e ${folder}/1 ]; do sleep 0.01; done
    ${loss}`;
  const service = await serveStudy(2);
  const { code, stdout } = await work(service, program, "--jobs", "2", "--name", "gpu box").ended;
  expect(code).toBe(0);
  expect(tells(service).sort()).toEqual([
    [0, { loss: 0 }],
    [1, { loss: 1 }],
  ]);
  expect(new Set(service.of("ask").map((call) => call.body.worker))).toEqual(
    new Set(["gpu-box.1", "gpu-box.2"]),
  );
  expect(stdout.toString().split("\n").sort()).toEqual(["", '[0] {"loss": 0}', '[1] {"loss": 1}']);
});

test("an ask whose reply is lost is repeated by the same worker with the same key", async () => {
  const service = await serveStudy(1, {
    ask: (_, count) =>
      count === 1 ? { ...handOut(0), lost: true } : count === 2 ? handOut(0) : nothing("finished"),
  });
  const { code } = await work(service, loss).ended;
  expect(code).toBe(0);
  const [first, second, third] = service.of("ask");
  expect(second).toEqual(first);
  expect(third?.key).not.toBe(first?.key);
  expect(tells(service)).toEqual([[0, { loss: 0 }]]);
});

test("a failed trial is told, and the worker continues", async () => {
  const service = await serveStudy(2);
  const { code } = await work(service, `[ $HONE_TRIAL = 1 ] || exit 4; ${loss}`).ended;
  expect(code).toBe(0);
  expect(tells(service)).toEqual([
    [0, "exit code 4"],
    [1, { loss: 1 }],
  ]);
});

test("a trial that is stopped is not told, and the worker continues", async () => {
  const service = await serveStudy(2, {
    report: () => ({ body: { decision: "stop", reason: "hopeless", leaseExpires, reportAt: null } }),
  });
  const program = `[ $HONE_TRIAL = 1 ] || { echo '{"step": 1, "loss": 9}'; exec sleep 600; }; ${loss}`;
  const { code } = await work(service, program).ended;
  expect(code).toBe(0);
  expect(tells(service)).toEqual([[1, { loss: 1 }]]);
});

test("while there is nothing to do, a worker waits as long as the service says", async () => {
  const answers = [nothing("paused", 0.01), nothing("running", 0.01), handOut(0), nothing("finished")];
  const service = await serveStudy(1, { ask: (_, count) => answers[count - 1] as Answer });
  const { code } = await work(service, loss).ended;
  expect([code, service.of("ask").length]).toEqual([0, 4]);
});

test("for a study with another executor, the service's error is shown", async () => {
  const service = await serveStudy(1, {
    ask: () => ({ problem: "wrong-executor", detail: "Hone runs the trials of this study itself." }),
  });
  const { code, stderr } = await work(service, loss).ended;
  expect(code).toBe(1);
  expect(stderr).toContain("Hone runs the trials of this study itself.");
});

test("when the program does not exist, no trial is asked for", async () => {
  const service = await serveStudy(1);
  const args = ["worker", "--study", "svm-digits", "--", "no-such-program"];
  const { code, stderr } = await start(args, environment(service)).ended;
  expect([code, service.calls.length]).toEqual([2, 0]);
  expect(stderr).toContain("no-such-program");
});

test.each(["SIGINT", "SIGTERM"] as const)(
  "%s ends the programs, and gives their trials back",
  async (signal) => {
    const service = await serveStudy(2);
    const program = `echo '{"step": 1, "loss": 1}'; exec sleep 600`;
    const running = work(service, program, "--jobs", "2");
    await service.received("report", 2);
    running.process.kill(signal);
    expect((await running.ended).code).toBe(143);
    const given = service.of("tell").map(({ number, body }) => [number, body]);
    const body = { attempt: 1, released: { reason: "The worker was interrupted." } };
    expect(given.sort()).toEqual([
      [0, body],
      [1, body],
    ]);
  },
);

test("a trial is given back with the checkpoint that its program saved on SIGTERM, and before its program has begun", async () => {
  const saves = `trap 'echo "{\\"checkpoint\\": \\"s3://b/last\\"}"; exit 0' TERM; echo '{"step": 1, "loss": 1}'
    while true; do sleep 0.1; done`;
  const service = await serveStudy(1);
  const running = work(service, saves);
  await service.received("report");
  running.process.kill("SIGTERM");
  expect((await running.ended).code).toBe(143);
  expect(service.of("tell")[0]?.body).toMatchObject({ released: {}, checkpoint: "s3://b/last" });

  const trial = { ...handOut(0).body.trials[0], checkpoint: "hone:1-5-0123456789abcdef" };
  const downloading = await serveStudy(1, {
    ask: () => ({ body: { ...handOut(0).body, trials: [trial] } }),
    checkpoint: () => ({ problem: "unavailable" }),
  });
  const waiting = work(downloading, loss);
  await downloading.received("checkpoint");
  waiting.process.kill("SIGTERM");
  expect((await waiting.ended).code).toBe(143);
  expect(downloading.of("tell").map(({ body }) => body.released)).toEqual([
    { reason: "The worker was interrupted." },
  ]);
});

test("an interrupted worker does not wait long for a service that is away", async () => {
  const service = await serveStudy(1, { tell: () => ({ problem: "unavailable", retryAfter: 3 }) });
  const running = work(service, `echo '{"step": 1, "loss": 1}'; exec sleep 600`);
  await service.received("report");
  const begun = Date.now();
  running.process.kill("SIGTERM");
  const { code, stderr } = await running.ended;
  expect([code, stderr]).toEqual([143, expect.stringContaining("when its lease expires")]);
  expect(Date.now() - begun).toBeLessThan(8000);
});

test("without HONE_ variables a worker uses the local stack of its folder, or of the nearest one above", async () => {
  const folder = await mkdtemp(join(tmpdir(), "hone-worker-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  const service = await serveStudy(1);
  const below = join(folder, "a/b");
  await mkdir(below, { recursive: true });
  await mkdir(join(folder, ".hone"));
  const local = { api: service.api, team: "acme", token: TOKEN, pid: 1 };
  await writeFile(join(folder, ".hone", "local.json"), JSON.stringify(local));
  const args = ["worker", "--study", "svm-digits", "--", ...sh(loss)];
  const { code } = await start(args, {}, below).ended;
  expect(code).toBe(0);
  expect(tells(service)).toEqual([[0, { loss: 0 }]]);
});
