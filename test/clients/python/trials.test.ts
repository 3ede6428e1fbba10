import { expect, test } from "vitest";
import type { ContractService } from "../service.ts";
import { decide, handOut, nothing, python, serveStudy, startPython } from "./driver.ts";

/** What becomes of a trial, in every way in which a program may treat it. */

const HEAD = `
import concurrent.futures, signal, sys, threading, time, hone
study = hone.load_study("parabola")
`;
const run = (script: string, env: Record<string, string>) => python(HEAD + script, env);
const start = (script: string, env: Record<string, string>) => startPython(["-c", HEAD + script], env);

/** What each trial was told: its values, or why it failed, was pruned or given back. */
const told = (service: ContractService) =>
  service
    .of("tell")
    .map(({ number, body: { failed, pruned, released, values } }) => [
      number,
      (failed ?? pruned ?? released)?.reason ?? values,
    ]);
const GIVEN_BACK = "The client was interrupted.";
const steps = (service: ContractService) => service.of("report").map((call) => call.body.step);

test("the result is what the function returns, tells or last reported; without any the trial has failed", async () => {
  const { service, env } = await serveStudy(5);
  await run(
    `
def objective(trial):
    if trial.number == 0: return 0.5
    if trial.number == 1: return {"loss": 1, "seconds": 2.5}
    if trial.number == 2: trial.tell(loss=2)
    if trial.number == 3: [trial.report(step, loss=step) for step in range(1, 4)]
study.optimize(objective)
`,
    env,
  );
  expect(told(service)).toEqual([
    [0, { loss: 0.5 }],
    [1, { loss: 1, seconds: 2.5 }],
    [2, { loss: 2 }],
    [3, { loss: 3 }],
    [4, "no result: the trial was neither told nor reported"],
  ]);
});

test("a loop without `with` comes to the same results", async () => {
  const { service, env } = await serveStudy(3);
  await run(
    `
for trial in study.trials():
    if trial.number == 0: trial.tell({"loss": 0.5})
    if trial.number == 1: trial.report(1, loss=1)
`,
    env,
  );
  expect(told(service)).toEqual([
    [0, { loss: 0.5 }],
    [1, { loss: 1 }],
    [2, "no result: the trial was neither told nor reported"],
  ]);
});

test("numbers of NumPy are sent as numbers, what is no number by its name, and anything else is an error", async () => {
  const { service, env } = await serveStudy(2);
  const script = `
import numpy
for trial in study.trials():
    if trial.number == 0: trial.tell(loss=numpy.float32(0.5), n=numpy.int64(3), a=float("nan"), b=-numpy.inf, c=2**60)
    else:
        try: trial.tell(loss="low")
        except TypeError as error: print(error)
        trial.tell(loss=1)
`;
  expect(await run(script, env)).toBe("loss: 'low' is not a number\n");
  expect(told(service)).toEqual([
    [0, { loss: 0.5, n: 3, a: "nan", b: "-inf", c: 2 ** 60 }],
    [1, { loss: 1 }],
  ]);
});

test.each([
  ["stop", "pruned"],
  ["pause", "paused"],
])(
  "after the decision %s the report raises, nothing more is told, and the next trial comes",
  async (decision, state) => {
    const { service, env } = await serveStudy(2, {
      report: (call) => decide(call.number === 0 ? decision : "continue"),
    });
    const script = `
for trial in study.trials(report_every=0):
    with trial:
        for step in range(1, 4):
            trial.report(step, loss=step)
    print(trial.number, trial.state)
`;
    expect(await run(script, env)).toBe(`0 ${state}\n1 completed\n`);
    expect(steps(service)).toEqual([1, 1, 2, 3]);
    expect(told(service)).toEqual([[1, { loss: 3 }]]);
  },
);

test("a trial that another worker has, or whose study is gone, is dropped at the next report", async () => {
  const { service, env } = await serveStudy(2, {
    report: () => ({ problem: "stale-attempt" }),
    tell: () => ({ problem: "already-told" }),
  });
  const script = `
def objective(trial):
    if trial.number == 0: trial.report(1, loss=1)
    print(trial.number)
    return 2
study.optimize(objective)
`;
  expect(await run(script, env)).toBe("1\n");
  expect(told(service)).toEqual([[1, { loss: 2 }]]);
});

test("reports are sent where the scheduler waits for them, and otherwise as often as wished", async () => {
  const { service, env } = await serveStudy(3, {
    ask: (_, count) => (count > 3 ? nothing("finished") : handOut(count - 1, { reportAt: 3, resource: 27 })),
    report: (call) => decide("continue", call.body.step < 3 ? 3 : call.body.step < 9 ? 9 : 27),
  });
  await run(
    `
for every in (1.0, None, 0):
    trial = study.ask(report_every=every)
    for step in range(1, 12):
        trial.report(step, loss=step)
    trial.tell()
`,
    env,
  );
  const sent = [0, 1, 2].map((number) =>
    service.of("report").flatMap((call) => (call.number === number ? [call.body.step] : [])),
  );
  expect(sent).toEqual([
    [1, 3, 9],
    [3, 9],
    [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11],
  ]);
  expect(told(service).map(([, values]) => values)).toEqual([{ loss: 11 }, { loss: 11 }, { loss: 11 }]);
});

test("a paused trial comes back with its checkpoint, its next attempt and its resource", async () => {
  const { service, env } = await serveStudy(0, {
    ask: (_, count) => {
      if (count === 1) return handOut(0, { resource: 3 });
      return count === 2
        ? handOut(0, { attempt: 2, resource: 9, checkpoint: "s3://a" })
        : nothing("finished");
    },
    report: (call) => decide(call.body.attempt === 1 ? "pause" : "continue"),
  });
  const script = `
for trial in study.trials():
    with trial:
        print(trial.attempt, trial.resource, trial.checkpoint)
        trial.report(trial.resource, loss=1, checkpoint="s3://a")
        trial.tell(loss=1, checkpoint="s3://b")
`;
  expect(await run(script, env)).toBe("1 3 None\n2 9 s3://a\n");
  expect(service.of("report").map((call) => call.body)).toEqual([
    { attempt: 1, step: 3, values: { loss: 1 }, checkpoint: "s3://a" },
    { attempt: 2, step: 9, values: { loss: 1 }, checkpoint: "s3://a" },
  ]);
  expect(service.of("tell").map((call) => call.body)).toEqual([
    { attempt: 2, values: { loss: 1 }, checkpoint: "s3://b" },
  ]);
});

test("a rule of the program's own prunes, with the values if the service takes them", async () => {
  const { service, env } = await serveStudy(3, {
    tell: (call) =>
      call.body.values?.seconds === undefined
        ? { body: { number: call.number, state: "pruned" } }
        : { problem: "invalid-input" },
  });
  const script = `
def objective(trial):
    if trial.number == 0: trial.prune("diverged")
    if trial.number == 1: trial.report(1, loss=1); raise hone.Stopped("no progress")
    if trial.number == 2: trial.report(1, seconds=1); raise hone.Stopped("too slow")
study.optimize(objective)
`;
  await run(script, env);
  expect(service.of("tell").map(({ body }) => [body.pruned?.reason, body.values])).toEqual([
    ["diverged", undefined],
    ["no progress", { loss: 1 }],
    ["too slow", { seconds: 1 }],
    ["too slow", undefined],
  ]);
});

const raising = `
def work(trial):
    if trial.number == 0: raise ValueError("no such layer")
    return 1
`;
const failure = expect.stringMatching(/^ValueError: no such layer \(<string>, line \d+\)$/);

test.each([
  ["optimize", "study.optimize(work)"],
  ["optimize with threads", "study.optimize(work, workers=2)"],
  ["a loop", "for trial in study.trials():\n    with trial:\n        work(trial)"],
  ["a loop without with", "for trial in study.trials(): work(trial)"],
])("an exception in %s is told as the trial's failure and ends the program", async (_, loop) => {
  let asked = 0;
  const { service, env } = await serveStudy(0, {
    // The second thread has nothing to do, and must end too.
    ask: () => (asked++ === 0 ? handOut(0) : nothing("running", 30)),
  });
  const { code, stderr } = await start(raising + loop, env).ended;
  expect(code).toBe(1);
  expect(stderr).toContain("ValueError: no such layer");
  expect(told(service)).toEqual([[0, failure]]);
});

test("no secret of the environment is in what an exception tells", async () => {
  const { service, env } = await serveStudy(1);
  const secrets = { HONE_SECRETS: "DB_PASSWORD", DB_PASSWORD: "s3cret-canary" };
  const program = `
import os
def work(trial): raise ValueError("no access with " + os.environ["DB_PASSWORD"])
study.optimize(work, catch=ValueError)`;
  await run(program, { ...env, ...secrets });
  expect(told(service)).toEqual([[0, expect.stringContaining("no access with [secret]")]]);
});

test.each([
  ["an exception", "raise ValueError(secret.strip())"],
  ["an exception with one of its lines", "raise ValueError(secret.splitlines()[0].strip())"],
  ["a failure that the program tells", "trial.fail(secret.strip())"],
  ["a trial that the program prunes", "raise hone.Stopped(secret.strip())"],
])("nothing of a secret of several lines is told by %s", async (_, statement) => {
  const { service, env } = await serveStudy(1);
  const secret = ` first-canary\n  second-canary ${"x".repeat(2000)}\n`;
  const program = `
import os
secret = os.environ["KEY"]
for trial in study.trials():
    with trial: ${statement}`;
  await start(program, { ...env, HONE_SECRETS: "KEY", KEY: secret }).ended;
  expect(told(service)).toEqual([[0, expect.stringMatching(/\[secret\]/)]]);
  expect(JSON.stringify(told(service))).not.toMatch(/canary|xx/);
});

test("an exception named by catch is told, and the study goes on", async () => {
  const { service, env } = await serveStudy(2);
  await run(`${raising}study.optimize(work, catch=ValueError)`, env);
  expect(told(service)).toEqual([
    [0, failure],
    [1, { loss: 1 }],
  ]);
});

test("the other threads' trials come to their end before an exception is raised", async () => {
  const { service, env } = await serveStudy(2);
  const script = `
both = threading.Barrier(2)
def work(trial):
    both.wait()
    if trial.number == 0: raise ValueError("no such layer")
    time.sleep(0.3)
    return 1
study.optimize(work, workers=2)
`;
  const { code } = await start(script, env).ended;
  expect([code, told(service)]).toEqual([
    1,
    [
      [0, failure],
      [1, { loss: 1 }],
    ],
  ]);
});

test.each([
  ["a trial", handOut(1), [[1, GIVEN_BACK]]],
  ["nothing, for half a minute,", nothing("running", 30), []],
])("%s that comes after another has ended the work is not waited for and not run", async (_, late, back) => {
  let failed = () => {};
  const failure0 = new Promise<void>((resolve) => {
    failed = resolve;
  });
  let askedAgain = () => {};
  const secondAsk = new Promise<void>((resolve) => {
    askedAgain = resolve;
  });
  const { service, env } = await serveStudy(0, {
    ask: async (_, count) => {
      if (count === 1) return handOut(0);
      askedAgain();
      await failure0;
      return late;
    },
    tell: async (call) => {
      // The other worker may come to its ask late. What is told later is told because that ask has been answered.
      await secondAsk;
      // Long enough for a busy machine to take in the answer first.
      setTimeout(failed, 1500);
      return { body: { number: call.number, state: "failed" } };
    },
  });
  const began = performance.now();
  const { code } = await start(`${raising}study.optimize(work, workers=2)`, env).ended;
  expect([code, service.of("ask").length, told(service)]).toEqual([1, 2, [[0, failure], ...back]]);
  expect(performance.now() - began).toBeLessThan(20_000);
});

test("a result that Hone refuses fails the trial, and the error says what Hone says, field by field", async () => {
  const { service, env } = await serveStudy(1, {
    tell: (call) =>
      call.body.failed === undefined
        ? {
            raw: (response) =>
              void response.writeHead(422, { "content-type": "application/problem+json" }).end(
                JSON.stringify({
                  type: "invalid-input",
                  detail: "The metric loss is missing.",
                  errors: [{ pointer: "/values/loss", detail: "Give a number." }],
                  retry: false,
                }),
              ),
          }
        : { body: { number: 0, state: "failed" } },
  });
  const { code, stderr } = await start("study.optimize(lambda trial: {'los': 1})", env).ended;
  expect(code).toBe(1);
  expect(stderr).toContain("The metric loss is missing. (invalid-input)\n  /values/loss: Give a number.");
  expect(told(service).at(-1)?.[1]).toMatch(/^Refused: The metric loss is missing/);
});

const interrupted = `
def work(trial):
    trial.report(1, loss=1)
    print("training", flush=True)
    while True: time.sleep(600)
`;

test.each([
  ["optimize", "study.optimize(work)", 1],
  ["optimize with threads", "study.optimize(work, workers=2)", 2],
  ["a loop", "for trial in study.trials():\n    with trial: work(trial)", 1],
  ["a loop without with", "for trial in study.trials(): work(trial)", 1],
])("Ctrl-C and SIGTERM in %s give the trials back", async (_, loop, count) => {
  for (const signal of ["SIGINT", "SIGTERM"] as const) await interruptedBy(signal, loop, count);
});

const interruptedBy = async (signal: "SIGINT" | "SIGTERM", loop: string, count: number) => {
  const { service, env } = await serveStudy(2);
  const program = start(interrupted + loop, env);
  await service.received("report", count);
  while (service.of("report").length < count) await new Promise((resolve) => setTimeout(resolve, 10));
  await new Promise((resolve) => setTimeout(resolve, 100));
  program.process.kill(signal);
  const { code, stderr } = await program.ended;
  if (signal === "SIGINT") expect(stderr).toContain("KeyboardInterrupt");
  else expect(code).toBe(143);
  const back = Array.from({ length: count }, (_, number) => [number, GIVEN_BACK]);
  expect(told(service).sort()).toEqual(back);
};

test("a program that handles SIGTERM itself goes on to do so, and processes that it forks end by it as usual", async () => {
  const { service, env } = await serveStudy(2);
  const script = `
import os
def work(trial):
    ready, begun = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(begun, b"-")
        time.sleep(600)
    os.read(ready, 1)
    os.kill(child, signal.SIGTERM)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
    return 1
study.optimize(work)
assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
`;
  expect(await run(script, env)).toBe("-15\n-15\n");
  expect(told(service)).toEqual([
    [0, { loss: 1 }],
    [1, { loss: 1 }],
  ]);
  const own = await serveStudy(1);
  const handles = `
signal.signal(signal.SIGTERM, lambda *_: print("mine", flush=True))
def work(trial):
    signal.raise_signal(signal.SIGTERM)
    return 1
study.optimize(work)
`;
  expect(await run(handles, own.env)).toBe("mine\n");
  expect(told(own.service)).toEqual([[0, { loss: 1 }]]);
});

test("a service that is away holds up an interrupted program for seconds only", async () => {
  const { service, env } = await serveStudy(3, { tell: () => ({ problem: "unavailable" }) });
  const program = start(`${interrupted}study.optimize(work, workers=3)`, env);
  await service.received("report", 3);
  const begun = performance.now();
  program.process.kill("SIGTERM");
  const { code, stderr } = await program.ended;
  expect([code, stderr]).toEqual([143, expect.stringContaining("when its lease expires")]);
  expect(performance.now() - begun).toBeLessThan(9000);
});

test("after Ctrl-C the other threads stop at their next report and take no further trial", async () => {
  const { service, env } = await serveStudy(9);
  const script = `
stopped = []
def work(trial):
    try:
        for step in range(1, 600):
            trial.report(step, loss=1)
            if step == 1 and trial.number == 1: signal.raise_signal(signal.SIGINT)
            time.sleep(0.05)
    except hone.Stopped:
        stopped.append(trial.number)
        raise
try: study.optimize(work, workers=2)
except KeyboardInterrupt: pass
time.sleep(0.5)
print(sorted(stopped))
`;
  expect(await run(script, env)).toBe("[0, 1]\n");
  expect(service.of("ask").length).toBe(2);
  expect(told(service).sort()).toEqual([
    [0, GIVEN_BACK],
    [1, GIVEN_BACK],
  ]);
});

test("a loop that is left gives its trial back a moment later, and renews it no more", async () => {
  const { service, env } = await serveStudy(1, {
    ask: () => handOut(0, { leaseExpires: new Date().toISOString() }), // counts as the shortest lease, of 10 s
  });
  const script = `
for trial in study.trials():
    break
time.sleep(3.8)
print(trial.state)
`;
  expect(await run(script, env)).toBe("released\n");
  expect(service.calls.map((call) => call.route)).toEqual(["getStudy", "ask", "tell"]);
  expect(told(service)).toEqual([[0, GIVEN_BACK]]);
});

test("three heartbeats are sent in the time of a lease, fewer where reports are sent", async () => {
  const soon = { leaseExpires: new Date().toISOString() };
  const { service, env } = await serveStudy(0, {
    ask: (_, count) => (count > 2 ? nothing("finished") : handOut(count - 1, soon)),
  });
  const script = `
def work(trial):
    time.sleep(2)
    if trial.number == 1: trial.report(1, loss=1)
    time.sleep(1.8)
    return 1
study.optimize(work, workers=2)
`;
  await run(script, env);
  expect(service.of("heartbeat").map((call) => [call.number, call.key])).toEqual([[0, undefined]]);
});

test("a decision in the answer to a heartbeat ends the trial at its next report", async () => {
  const { service, env } = await serveStudy(1, {
    ask: (_, count) =>
      count > 1 ? nothing("finished") : handOut(0, { leaseExpires: new Date().toISOString() }),
    heartbeat: () => decide("stop"),
  });
  await run(
    "study.optimize(lambda trial: [(time.sleep(0.1), trial.report(1, loss=1)) for _ in range(60)] and 1, report_every=None)",
    env,
  );
  expect([service.of("heartbeat").length, service.of("report").length, told(service)]).toEqual([1, 0, []]);
});

test("a trial that the program forgets in a pool is told as failed, and its place is given to another", async () => {
  const { service, env } = await serveStudy(3);
  await run(
    `
def forgets(trial):
    if trial.number > 0: trial.tell(loss=1)
with concurrent.futures.ThreadPoolExecutor(2) as pool:
    for trial in study.trials(workers=2):
        pool.submit(forgets, trial)
`,
    env,
  );
  expect(told(service).sort()).toEqual([
    [0, "no result: the program dropped the trial without telling one"],
    [1, { loss: 1 }],
    [2, { loss: 1 }],
  ]);
});

test("a pool gets as many trials as there are workers, each as a worker of its own, and more when one ends", async () => {
  const { service, env } = await serveStudy(6);
  const script = `
open_, most = set(), 0
def work(trial):
    with trial:
        time.sleep(0.1)
        open_.discard(trial.number)
        trial.tell(loss=1)
with concurrent.futures.ThreadPoolExecutor(8) as pool:
    for trial in study.trials(workers=3, name="gpu box"):
        open_.add(trial.number)
        most = max(most, len(open_))
        pool.submit(work, trial)
print(most)
`;
  expect(await run(script, env)).toBe("3\n");
  expect(told(service)).toHaveLength(6);
  expect(new Set(service.of("ask").map((call) => call.body.worker))).toEqual(
    new Set(["gpu-box.1", "gpu-box.2", "gpu-box.3"]),
  );
});

test("while there is nothing to do, the client waits as long as the service says", async () => {
  const answers = [nothing("paused", 0.01), nothing("running", 0.01), handOut(0), nothing("finished")];
  const { service, env } = await serveStudy(0, {
    ask: (_, count) => answers[count - 1] ?? nothing("finished"),
  });
  await run("study.optimize(lambda trial: 1)", env);
  expect([service.of("ask").length, told(service)]).toEqual([4, [[0, { loss: 1 }]]]);
});

test("a trial that was told cannot be told again by mistake", async () => {
  const { service, env } = await serveStudy(1);
  const script = `
trial = study.ask()
trial.tell(loss=1)
try: trial.tell(loss=2)
except hone.Error as error: print(error)
`;
  expect(await run(script, env)).toBe("trial 0 has been told already: it is completed\n");
  expect(told(service)).toEqual([[0, { loss: 1 }]]);
});

test("an answer that is lost is asked for again with the same key, and costs nothing", async () => {
  const { service, env } = await serveStudy(0, {
    ask: (_, count) =>
      count === 1
        ? { raw: (response) => void response.destroy() }
        : count === 2
          ? handOut(0)
          : nothing("finished"),
    report: (_, count) => (count === 1 ? { raw: (response) => void response.destroy() } : decide("continue")),
  });
  await run("study.optimize(lambda trial: trial.report(1, loss=1))", env);
  const [first, second, third] = service.of("ask");
  expect(second).toEqual(first);
  expect(third?.key).not.toBe(first?.key);
  expect(new Set(service.of("report").map((call) => call.key)).size).toBe(1);
  expect(told(service)).toEqual([[0, { loss: 1 }]]);
});

test("a result that cannot be sent is no failure of the trial: it is given back", async () => {
  const { service, env } = await serveStudy(1, { tell: () => ({ problem: "unavailable" }) });
  const script = `
study.client.patience = 2
trials = []
def work(trial):
    trials.append(trial)
    return 1
try: study.optimize(work)
except hone.Unreachable as error: print(error)
print(trials[0].state)
time.sleep(1)  # it is being given back meanwhile, and the program's end must not break that off
`;
  const began = performance.now();
  expect(await run(script, env)).toMatch(/^POST \/studies\/parabola\/trials\/0\/tell: 503 .*\nreleased\n$/);
  expect(told(service)[0]).toEqual([0, { loss: 1 }]);
  expect(told(service).at(-1)).toEqual([0, GIVEN_BACK]);
  // Two seconds for the result, and five to give the trial back.
  expect(performance.now() - began).toBeGreaterThan(6000);
});

test("what the program knows about its trial does not give the token away", async () => {
  const { service, env } = await serveStudy(1);
  const script = `
def work(trial): raise ValueError(study.client.settings.token + "x" * 2000)
study.optimize(work, catch=ValueError)
`;
  await run(script, env);
  const [[, reason] = []] = told(service);
  expect(String(reason)).toMatch(/^ValueError: \[token\]x{900}/);
  expect(String(reason)).toHaveLength(1024);
});
