import { expect, test } from "vitest";
import type { LeasedTrial } from "../../../shared/schemas/trial.ts";
import { type Bucket, gated, serveBucket } from "../bucket.ts";
import { type Answer, type ContractService, type Script, uploadTo } from "../service.ts";
import { decide, handOut, nothing, python, serveStudy, startPython } from "./driver.ts";

/** Files and folders that a Python program saves: they are uploaded, committed, and downloaded by the next attempt. */

const nameOf = (count: number) => `hone:1-${count}-0123456789abcdef`;

const urls = (bucket: Bucket, maxBytes?: number): Script => ({
  checkpoint: (_, count): Answer => ({
    body: {
      upload: uploadTo(bucket.url(`/up/${count}`), nameOf(count), maxBytes),
      download: { url: bucket.url("/down"), expires: "2026-11-23T13:00:00Z" },
    },
  }),
});

/** One trial for each lease given, then the end of the study. */
const leases = (...trials: Partial<LeasedTrial>[]): Script => ({
  ask: (_, count) => (count > trials.length ? nothing("finished") : handOut(0, trials[count - 1])),
});

const HEAD = `
import os, pathlib, signal, tempfile, time, hone
study = hone.load_study("parabola")
path = pathlib.Path(tempfile.mkdtemp()) / "state"
`;
const run = (script: string, env: Record<string, string>) => python(HEAD + script, env);

const committed = (service: ContractService) =>
  service.calls.flatMap(({ route, body }) =>
    body.checkpoint === undefined ? [] : [[route, body.checkpoint]],
  );

const resumed = { attempt: 2, checkpoint: nameOf(1) };

test.each([
  ["a file", "path.write_text('weights')", "print(open(trial.checkpoint).read())", "weights\n"],
  [
    "a folder",
    "(path / 'deep').mkdir(parents=True); (path / 'deep/er').write_text('weights')",
    "print(pathlib.Path(trial.checkpoint, 'deep/er').read_text())",
    "weights\n",
  ],
])(
  "%s that an attempt saved is what the next one finds, and is removed after it",
  async (_, save, read, printed) => {
    const bucket = await serveBucket();
    const first = await serveStudy(0, {
      ...urls(bucket),
      ...leases({ resource: 9, reportAt: 3 }),
      report: () => decide("pause"),
    });
    expect(
      await run(
        `${save}
for trial in study.trials():
    with trial:
        print(trial.checkpoint)
        trial.report(3, loss=1, checkpoint=path)`,
        first.env,
      ),
    ).toBe("None\n");
    expect(first.service.of("report")[0]?.body).toEqual({
      attempt: 1,
      step: 3,
      values: { loss: 1 },
      checkpoint: nameOf(1),
    });

    bucket.objects.set("/down", bucket.objects.get("/up/1") ?? Buffer.alloc(0));
    const second = await serveStudy(0, { ...urls(bucket), ...leases({ ...resumed, resource: 27 }) });
    const found = await run(
      `
tempfile.tempdir = str(path.parent)
for trial in study.trials():
    with trial:
        ${read}
        assert trial.checkpoint == trial.checkpoint
        trial.tell(loss=1)
del trial
print(os.listdir(path.parent))`,
      second.env,
    );
    expect(found).toBe(`${printed}[]\n`);
    expect(second.service.of("checkpoint").length).toBe(1);
  },
);

test("nothing is downloaded for a program that does not ask for it, and a text of its own is handed on as it is", async () => {
  const bucket = await serveBucket();
  const { service, env } = await serveStudy(0, {
    ...urls(bucket),
    ...leases(resumed, { attempt: 3, checkpoint: "s3://b/k" }),
  });
  const script = `
for trial in study.trials():
    if trial.attempt == 3: print(trial.checkpoint)
    trial.tell(loss=1, checkpoint="s3://b/l")`;
  expect(await run(script, env)).toBe("s3://b/k\n");
  expect(service.of("checkpoint")).toEqual([]);
  expect(service.of("tell").map(({ body }) => body.checkpoint)).toEqual(["s3://b/l", "s3://b/l"]);
});

test("a report that no scheduler waits for does not wait for its upload, and the newest of those that wait follows", async () => {
  const bucket = await serveBucket();
  const open = gated(bucket);
  const { service, env } = await serveStudy(0, {
    ...urls(bucket),
    ...leases({ resource: 27, reportAt: 9 }),
    report: () => decide("continue", 9),
  });
  const program = startPython(
    [
      "-c",
      `${HEAD}
with study.ask() as trial:
    for step in range(1, 6):
        path.write_text(str(step))
        trial.report(step, loss=1, checkpoint=path)
    print("trained", flush=True)
    while len(os.listdir(path.parent)) == 1: time.sleep(0.01)
    trial.fail("diverged")`,
    ],
    env,
  );
  // Listened to from the start: it may train before its first upload is seen.
  const trained = new Promise((resolve) => program.process.stdout?.on("data", resolve));
  await bucket.uploading();
  await trained;
  expect(committed(service)).toEqual([]);
  expect(service.of("report").map(({ body }) => body.step)).toEqual([1]);
  open();
  await service.received("heartbeat", 2);
  expect(committed(service)).toEqual([
    ["heartbeat", nameOf(1)],
    ["heartbeat", nameOf(2)],
  ]);
  expect(bucket.objects.get("/up/2")?.toString()).toContain("5");
  program.process.kill("SIGKILL");
  await program.ended;
});

test("a trial that failed, or that a scheduler may go on with, waits for its upload; one that is done does not", async () => {
  const before = ["getStudy", "ask", "checkpoint"];
  const told = async (lease: Partial<LeasedTrial>, end: string, isOpen: boolean) => {
    const bucket = await serveBucket();
    const open = gated(bucket);
    const { service, env } = await serveStudy(0, { ...urls(bucket), ...leases(lease) });
    const running = run(`path.write_text("w"); trial = study.ask(); trial.save(path); ${end}`, env);
    if (isOpen) {
      await bucket.uploading();
      setTimeout(open, 300);
    }
    await running;
    return service.calls.map(({ route }) => route).filter((route) => !before.includes(route));
  };
  expect(await told({}, "trial.fail('x')", true)).toEqual(["heartbeat", "tell"]);
  expect(await told({ resource: 9 }, "trial.tell(loss=1)", true)).toEqual(["heartbeat", "tell"]);
  expect(await told({}, "trial.tell(loss=1)", false)).toEqual(["tell"]);
  expect(await told({ resource: 9 }, "trial.report(1, loss=1); trial.prune('x')", false)).toEqual([
    "report",
    "tell",
  ]);
});

test("a tell that a scheduler may go on from names its checkpoint", async () => {
  const bucket = await serveBucket();
  const { service, env } = await serveStudy(0, { ...urls(bucket), ...leases({ resource: 9 }, {}) });
  await run(
    `path.write_text("w")
for trial in study.trials(): trial.tell(loss=1, checkpoint=path)`,
    env,
  );
  expect(service.of("tell").map(({ body }) => body.checkpoint)).toEqual([nameOf(1), undefined]);
});

test("a trial is given back on SIGTERM when its checkpoint has arrived", async () => {
  const bucket = await serveBucket();
  const open = gated(bucket);
  const { service, env } = await serveStudy(0, { ...urls(bucket), ...leases({}) });
  const work = `
def work(trial):
    path.write_text("w"); trial.save(path)
    time.sleep(600)
study.optimize(work)`;
  const program = startPython(["-c", HEAD + work], env);
  await bucket.uploading();
  program.process.kill("SIGTERM");
  setTimeout(open, 300);
  expect((await program.ended).code).toBe(143);
  expect(
    service.calls.slice(3).map(({ route, body }) => [route, body.checkpoint ?? body.released?.reason]),
  ).toEqual([
    ["heartbeat", nameOf(1)],
    ["tell", "The client was interrupted."],
  ]);
});

test("a checkpoint that is too large is not saved, and the program is told why; the trial goes on", async () => {
  const bucket = await serveBucket();
  const { service, env } = await serveStudy(0, {
    ...urls(bucket, 1024),
    ...leases({ resource: 9, reportAt: 1 }),
  });
  const script = `path.write_text("w" * 2000)
with study.ask() as trial: trial.report(1, loss=1, checkpoint=path)`;
  const { code, stderr } = await startPython(["-c", HEAD + script], env).ended;
  expect([code, stderr]).toEqual([0, expect.stringContaining("one upload takes at most")]);
  expect([bucket.puts, committed(service), service.of("tell").length]).toEqual([[], [], 1]);
});

test("a path that does not exist is an error of the program, named by its path", async () => {
  const { service, env } = await serveStudy(1);
  const script = `
for trial in study.trials():
    with trial: trial.report(1, loss=1, checkpoint="no/such/file")`;
  const { code, stderr } = await startPython(["-c", HEAD + script], env).ended;
  expect([code, stderr]).toEqual([1, expect.stringContaining("FileNotFoundError")]);
  expect(service.of("tell")[0]?.body.failed.reason).toContain("no/such/file");
});

test("a checkpoint that is gone is none; one that cannot be reached gives the trial back", async () => {
  const bucket = await serveBucket();
  const gone = await serveStudy(0, { ...urls(bucket), ...leases(resumed) });
  const script = `
study.client.patience = 0.5
try:
    for trial in study.trials():
        with trial: print(trial.checkpoint); trial.tell(loss=1)
except hone.Unreachable as error: print("unreachable")`;
  expect(await run(script, gone.env)).toBe("None\n");
  const away = await serveStudy(0, { ...leases(resumed), checkpoint: () => ({ problem: "unavailable" }) });
  expect(await run(script, away.env)).toBe("unreachable\n");
  expect(away.service.of("tell").map(({ body }) => body.released?.reason)).toEqual([
    "The client was interrupted.",
  ]);
});

test("an attempt that another worker has by now commits nothing, and ends at its next report", async () => {
  const bucket = await serveBucket();
  const { service, env } = await serveStudy(0, {
    ...urls(bucket),
    ...leases({}),
    heartbeat: () => ({ problem: "stale-attempt" }),
  });
  const script = `
for trial in study.trials():
    with trial:
        path.write_text("w"); trial.save(path)
        while True: trial.report(1, loss=1); time.sleep(0.01)
print(trial.state)`;
  expect(await run(script, env)).toBe("lost\n");
  expect(service.of("tell")).toEqual([]);
});
