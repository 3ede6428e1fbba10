import { expect, test } from "vitest";
import { python, runJob, serve, sh, startJob } from "./driver.ts";
import { type ContractService, claimed, type Script } from "./service.ts";

/** Of what a program prints, the runner reports what a scheduler waits for, and enough to draw a learning curve. */

const steps = (service: ContractService) => service.of("report").map(({ body }) => body.step);
const next = (reportAt: number | null) => ({
  body: { decision: "continue", reason: "", leaseExpires: "2026-11-23T12:00:00Z", reportAt },
});

const RUNGS = [10, 30, 90, 270];
/** A ladder's service: each report at or past a rung moves the trial on to the next one. */
const climbing = (): Script => {
  const rungs = [...RUNGS];
  return {
    claim: () => ({ body: claimed({ resource: 270, reportAt: 10 }) }),
    report: ({ body }) => {
      while (rungs[0] !== undefined && rungs[0] <= body.step) rungs.shift();
      return next(rungs[0] ?? null);
    },
  };
};

const prints = (count: number, pause = 0) =>
  python(
    `import time\nfor i in range(1, ${count + 1}): print('{"step": %d, "loss": %d}' % (i, -i)); time.sleep(${pause})`,
  );

test("a program that prints every step is reported at the rungs, exactly, and hardly anywhere else", async () => {
  const service = await serve(climbing());
  const { code } = await runJob(service, prints(300, 0.002));
  expect([code, steps(service)]).toEqual([0, expect.arrayContaining(RUNGS)]);
  // One for the curve at the start, one each second, and the last.
  expect(steps(service).length).toBeLessThan(RUNGS.length + 6);
  expect(service.of("tell")[0]?.body.values).toEqual({ loss: -300 });
});

test("what a program prints while a report is answered, and its answer lost, does not hide the next rung", async () => {
  const ladder = climbing();
  const service = await serve({
    ...ladder,
    report: async (call, count) => {
      await new Promise((resolve) => setTimeout(resolve, 50));
      const answer = await ladder.report?.(call, count);
      return count === 1 && answer !== undefined && "body" in answer
        ? { ...answer, lost: true }
        : (answer ?? next(10));
    },
  });
  await runJob(service, prints(300));
  expect(steps(service)).toEqual(expect.arrayContaining(RUNGS));
  expect(steps(service).at(-1)).toBe(300);
  const [first, again] = service.of("report");
  expect(again).toEqual(first);
});

test("a program that does not stop at the rung is reported at its first step past it", async () => {
  const service = await serve({
    claim: () => ({ body: claimed({ resource: 270, reportAt: 10 }) }),
    report: ({ body }) => next(body.step < 10 ? 10 : null),
  });
  const program = `for i in 4 8 12 16; do echo "{\\"step\\": $i, \\"loss\\": 1}"; sleep 0.1; done`;
  await runJob(service, sh(program), { options: ["--report-every", "600"] });
  expect(steps(service)).toEqual([4, 12, 16]);
});

test("where the next rung is, the answer to a heartbeat says as well", async () => {
  const service = await serve({
    claim: () => ({ body: claimed({ heartbeatSeconds: 0.1 }) }),
    heartbeat: () => next(3),
    report: ({ body }) => next(body.step < 3 ? 3 : null),
  });
  const program = `echo '{"step": 1, "loss": 1}'; sleep 0.5; for i in 2 3 4; do echo "{\\"step\\": $i, \\"loss\\": 1}"; done`;
  await runJob(service, sh(program), { options: ["--report-every", "600"] });
  expect(steps(service)).toEqual([1, 3, 4]);
});

test("without a scheduler one report in a while draws the curve, each with the newest values, and the last at the end", async () => {
  const service = await serve();
  await runJob(service, prints(100, 0.01), { options: ["--report-every", "0.4"] });
  const sent = service.of("report").map(({ body }) => [body.step, body.values.loss]);
  expect(sent.every(([step, loss]) => loss === -Number(step))).toBe(true);
  expect(sent.length).toBeGreaterThanOrEqual(3);
  expect(sent.length).toBeLessThanOrEqual(6);
  expect(sent.at(-1)).toEqual([100, -100]);
});

test("the newest values are reported although the program prints nothing more, and heartbeats go on", async () => {
  const service = await serve({ claim: () => ({ body: claimed({ heartbeatSeconds: 0.5 }) }) });
  const program = `for i in 1 2 3; do echo "{\\"step\\": $i, \\"loss\\": 1}"; sleep 0.05; done; exec sleep 600`;
  const running = startJob(service, sh(program), { options: ["--report-every", "0.3"] });
  await service.received("report", 2);
  await service.received("heartbeat", 2);
  expect(steps(service)).toEqual([1, 3]);
  running.process.kill("SIGTERM");
  await running.ended;
});

test("a report that names a checkpoint is sent, and a metric that was never reported is part of the result", async () => {
  const service = await serve();
  const program = `echo '{"step": 1, "loss": 3}'; sleep 0.2; echo '{"step": 2, "seconds": 9}'
    echo '{"step": 3, "loss": 2, "checkpoint": "s3://b/3"}'; echo '{"step": 4, "loss": 1}'`;
  await runJob(service, sh(program), { options: ["--report-every", "600"] });
  expect(service.of("report").map(({ body }) => [body.step, body.checkpoint])).toEqual([
    [1, undefined],
    [3, "s3://b/3"],
    [4, undefined],
  ]);
  expect(service.of("tell")[0]?.body.values).toEqual({ loss: 1, seconds: 9 });
});
