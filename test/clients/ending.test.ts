import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { python, runJob, serve, sh, startJob } from "./driver.ts";
import type { Answer, Call, ContractService } from "./service.ts";

const decide = (decision: "continue" | "stop" | "pause"): Answer => ({
  body: { decision, reason: "rung 1: 3rd of 3", leaseExpires: "2026-11-23T12:00:00Z", reportAt: null },
});

/** Whether a process runs; a zombie does not. */
const alive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return process.platform !== "linux" || !/\) Z/.test(readFileSync(`/proc/${pid}/stat`, "utf8"));
  } catch {
    return false;
  }
};

/** Resolves when a process is gone; otherwise the test fails by its time limit. */
const gone = async (pid: number): Promise<void> => {
  while (alive(pid)) await new Promise((resolve) => setTimeout(resolve, 10));
};

/** A promise that the test fulfils. */
const gate = () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  return Object.assign(promise, { open: resolve });
};

/** What the program printed as `pid N`. */
const pidIn = (text: string): number => Number(/pid (\d+)/.exec(text)?.[1]);

/** Reports its process id as a metric and then sleeps, so that the test knows when it is running. */
const sleeper = sh(`echo "{\\"step\\": 1, \\"pid\\": $$}"; exec sleep 600`);
const reportedPid = (service: ContractService): number => pidOf(service.of("report")[0]);
const pidOf = (call: Call | undefined): number => Number(call?.body.values.pid);

test("while a program prints nothing, heartbeats extend the lease of its attempt", async () => {
  const service = await serve({}, {}, 0.1);
  const running = startJob(service, sh(`trap 'echo "{\\"loss\\": 1}"; exit 0' TERM; sleep 600 & wait`));
  await service.received("heartbeat", 3);
  running.process.kill("SIGTERM");
  await running.ended;
  expect(service.of("heartbeat")[2]?.body).toEqual({ attempt: 2 });
});

test("a heartbeat whose reply is lost is repeated, and the program continues", async () => {
  const heartbeat = (_: unknown, count: number) => ({
    body: { decision: "continue", reason: "", leaseExpires: "2026-11-23T12:00:00Z", reportAt: null },
    ...(count === 1 ? { lost: true as const } : {}),
  });
  const service = await serve({ heartbeat }, {}, 0.1);
  const { code } = await runJob(service, sh(`sleep 1; echo '{"loss": 1}'`));
  expect([code, service.of("tell").length]).toEqual([0, 1]);
  expect(service.of("heartbeat").length).toBeGreaterThan(1);
});

test.each(["stop", "pause"] as const)(
  "a report answered with %s ends the program, and nothing is told",
  async (decision) => {
    const service = await serve({ report: () => decide(decision) });
    const { code, stderr } = await runJob(service, sleeper);
    expect([code, service.of("tell").length]).toEqual([0, 0]);
    expect(stderr).toContain("rung 1: 3rd of 3");
    await gone(reportedPid(service));
  },
);

test("a heartbeat answered with stop ends a program that prints nothing", async () => {
  const service = await serve({ heartbeat: () => decide("stop") }, {}, 0.1);
  const { code } = await runJob(service, sh("exec sleep 600"));
  expect([code, service.of("tell").length]).toEqual([0, 0]);
});

test("when the last report is answered with stop, the result of the finished program is not told", async () => {
  const service = await serve({ report: () => decide("stop") });
  const { code } = await runJob(service, sh(`echo '{"step": 1, "loss": 1}'`));
  expect([code, service.of("tell").length]).toEqual([0, 0]);
});

test.each(["stale-attempt", "trial-not-found", "unauthenticated"] as const)(
  "when the attempt is lost (%s), the program is ended, and nothing is told",
  async (problem) => {
    const service = await serve({ heartbeat: () => ({ problem }) }, {}, 0.1);
    const { code } = await runJob(service, sh("exec sleep 600"));
    expect([code, service.of("tell").length]).toEqual([0, 0]);
  },
);

test("a program that ignores SIGTERM is killed after the grace time, with its child processes", async () => {
  const service = await serve({ report: () => decide("stop") });
  const program = `trap '' TERM; sleep 600 & echo "pid $!"; echo '{"step": 1, "loss": 1}'; while true; do sleep 1; done`;
  const { code, stdout } = await runJob(service, sh(program), { options: ["--grace", "0.2"] });
  expect(code).toBe(0);
  await gone(pidIn(stdout.toString()));
});

test("SIGTERM is forwarded to the program; its last checkpoint is sent, and nothing is told", async () => {
  const release = gate();
  const service = await serve({ report: () => release.then(() => decide("continue")) });
  const program = `
import os, signal, sys, time
def save(*_):
    print('{"checkpoint": "s3://b/last"}')
    sys.exit(0)
signal.signal(signal.SIGTERM, save)
print('{"step": 1, "loss": 1, "pid": %d}' % os.getpid())
time.sleep(600)`;
  const running = startJob(service, python(program));
  await service.received("report");
  running.process.kill("SIGTERM");
  await gone(reportedPid(service));
  release.open(); // the checkpoint waited until the report was answered
  expect((await running.ended).code).toBe(143);
  expect(service.of("heartbeat").at(-1)?.body).toEqual({ attempt: 2, checkpoint: "s3://b/last" });
  expect(service.of("tell").length).toBe(0);
});

test("after a SIGTERM before the claim is answered, the program is not run", async () => {
  const service = await serve({ claim: () => ({ problem: "unavailable" }) });
  const running = startJob(service, sh("echo ran"));
  await service.received("claim");
  running.process.kill("SIGTERM");
  const { code, stdout } = await running.ended;
  expect([code, stdout.toString()]).toEqual([143, ""]);
});

test.each(["report", "tell"] as const)(
  "after a SIGTERM once the program has ended, while its %s is pending, the result is still told",
  async (route) => {
    const release = gate();
    const service = await serve({
      report: () => release.then(() => decide("continue")),
      tell: () => release.then(() => ({ body: { number: 7, state: "completed" } })),
    });
    const step = route === "report" ? '"step": 1, ' : "";
    const running = startJob(service, python(`import os; print('{${step}"pid": %d}' % os.getpid())`));
    await service.received(route);
    await gone(pidOf(service.of(route)[0]));
    await new Promise((resolve) => setTimeout(resolve, 300)); // until the runner notices that it is gone
    running.process.kill("SIGTERM");
    release.open();
    expect((await running.ended).code).toBe(0);
    expect(service.of("tell").length).toBe(1);
  },
);

test("a second signal kills a program that ignores the first", async () => {
  const service = await serve();
  const running = startJob(
    service,
    sh(`trap '' TERM; echo '{"step": 1, "loss": 1}'; while true; do sleep 1; done`),
  );
  await service.received("report");
  running.process.kill("SIGINT");
  running.process.kill("SIGTERM");
  expect((await running.ended).code).toBe(143);
  expect(service.of("tell").length).toBe(0);
});

// On macOS the program keeps running when the runner gets a SIGKILL.
test.runIf(process.platform === "linux")("when the runner is killed, the program is killed too", async () => {
  const service = await serve();
  const running = startJob(service, sleeper);
  await service.received("report");
  running.process.kill("SIGKILL");
  await gone(reportedPid(service));
});

test("a program that exceeds its time limit has failed", async () => {
  const service = await serve();
  const { code } = await runJob(service, sh("echo going >&2; exec sleep 600"), {
    options: ["--timeout", "0.3"],
  });
  expect(code).toBe(0);
  expect(service.of("tell")[0]?.body.failed.reason).toBe("timeout: not finished after 0.3 seconds\ngoing");
});

test("a child process that is still running does not delay the end, and is killed", async () => {
  const service = await serve();
  const { code, stdout } = await runJob(service, sh(`sleep 600 & echo "pid $!"; echo '{"loss": 1}'`));
  expect([code, service.of("tell").length]).toEqual([0, 1]);
  await gone(pidIn(stdout.toString()));
});

test("the program has no standard input", async () => {
  const service = await serve();
  const { code } = await runJob(service, sh(`cat; echo '{"loss": 1}'`));
  expect([code, service.of("tell").length]).toEqual([0, 1]);
});

test("the program continues when nobody reads the runner's output", async () => {
  const service = await serve();
  const running = startJob(service, sh(`seq 1 200000; echo '{"loss": 1}'`));
  running.process.stdout?.destroy();
  expect((await running.ended).code).toBe(0);
  expect(service.of("tell")[0]?.body.values).toEqual({ loss: 1 });
});

test("a program that prunes its trial says why; the metrics so far are told with it", async () => {
  const service = await serve();
  const program = `
    echo '{"step": 1, "loss": 3, "pruned": 0.5}'
    echo '{"step": 2, "loss": 2}'
    echo '{"pruned": "no progress"}'`;
  expect((await runJob(service, sh(program))).code).toBe(0);
  expect(service.of("tell").map(({ body }) => body)).toEqual([
    { attempt: 2, values: { loss: 2, pruned: 0.5 }, pruned: { reason: "no progress" } },
  ]);
});

test("a pruned trial without metrics, or without those that the study needs, is told without values", async () => {
  const bare = await serve();
  expect((await runJob(bare, sh(`echo '{"pruned": ""}'`))).code).toBe(0);
  expect(bare.of("tell").map(({ body }) => body)).toEqual([
    { attempt: 2, pruned: { reason: "pruned by the program" } },
  ]);
  const picky = await serve({
    tell: ({ number, body }) =>
      body.values === undefined ? { body: { number, state: "pruned" } } : { problem: "invalid-input" },
  });
  expect((await runJob(picky, sh(`echo '{"other": 1, "pruned": "why"}'`))).code).toBe(0);
  expect(picky.of("tell").map(({ body }) => body.values)).toEqual([{ other: 1 }, undefined]);
});

test("a program that fails has failed, whatever it said of pruning", async () => {
  const service = await serve();
  await runJob(service, sh(`echo '{"loss": 1, "pruned": "why"}'; exit 3`));
  expect(service.of("tell")[0]?.body).toMatchObject({ failed: { reason: "exit code 3" } });
});
