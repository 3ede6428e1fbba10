import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { type Bucket, gated, serveBucket } from "./bucket.ts";
import { type JobOptions, python, runJob, serve, sh, startJob } from "./driver.ts";
import { type Answer, type ContractService, claimed, type Script, uploadTo } from "./service.ts";

/** Checkpoints that Hone keeps: the runner uploads them, commits them, and downloads them for the next attempt. */

const nameOf = (count: number) => `hone:2-${count}-0123456789abcdef`;
const ANY = expect.stringMatching(/^hone:2-\d+-[0-9a-f]{16}$/);

/** A folder for one test. */
const temporaryFolder = (): string => {
  const folder = mkdtempSync(join(tmpdir(), "hone-checkpoints-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
};

/** Hands out a URL for each upload, and one of the download if there is an object. */
const urls = (bucket: Bucket, maxBytes?: number): Script => ({
  checkpoint: (_, count): Answer => ({
    body: {
      upload: uploadTo(bucket.url(`/up/${count}`), nameOf(count), maxBytes),
      download: { url: bucket.url("/down"), expires: "2026-11-23T13:00:00Z" },
    },
  }),
});

const laddered: Script = { claim: () => ({ body: claimed({ resource: 9, reportAt: 1 }) }) };
const resuming: Script = { claim: () => ({ body: claimed({ checkpoint: "hone:1-5-0123456789abcdef" }) }) };

const decide = (decision: string, reportAt: number | null = null) => ({
  body: { decision, reason: "", leaseExpires: "2026-11-23T12:00:00Z", reportAt },
});

const committed = (service: ContractService) =>
  [...service.of("report"), ...service.of("heartbeat")].flatMap(({ body }) => body.checkpoint ?? []);

/** What the next attempt finds of a saved checkpoint: runs the runner with it. */
const restored = async (bucket: Bucket, saved: string, program: string[]): Promise<string> => {
  bucket.objects.set("/down", bucket.objects.get(saved) ?? Buffer.alloc(0));
  const service = await serve({ ...urls(bucket), ...resuming });
  const { code, stdout, stderr } = await runJob(service, program);
  expect([code, stderr]).toEqual([0, expect.stringContaining("continues from")]);
  return stdout.toString();
};

const saveFile = sh(
  `echo weights > $HONE_CHECKPOINT_OUT; echo '{"step": 1, "loss": 1, "checkpoint": true}'; exit 3`,
);

test("a file that the program saved is what its next attempt finds", async () => {
  const bucket = await serveBucket();
  const service = await serve(urls(bucket));
  await runJob(service, saveFile);
  expect(committed(service)).toEqual([nameOf(1)]);
  expect(service.of("tell")[0]?.body).toMatchObject({ failed: { reason: expect.stringContaining("3") } });
  const found = await restored(bucket, "/up/1", sh(`cat $HONE_CHECKPOINT_IN; echo '{"loss": 1}'`));
  expect(found).toBe('weights\n{"loss": 1}\n');
});

test("a folder that the program saved is what its next attempt finds, with all that is in it", async () => {
  const bucket = await serveBucket();
  const service = await serve(urls(bucket));
  const save = `mkdir -p $HONE_CHECKPOINT_OUT/deep/er; echo a > $HONE_CHECKPOINT_OUT/one
    echo b > $HONE_CHECKPOINT_OUT/deep/er/two; chmod +x $HONE_CHECKPOINT_OUT/one; ln -s one $HONE_CHECKPOINT_OUT/link
    echo '{"checkpoint": true}'; exit 3`;
  await runJob(service, sh(save));
  expect(committed(service)).toEqual([nameOf(1)]);
  const look = `cd $HONE_CHECKPOINT_IN; cat one deep/er/two link; test -x one && echo executable; echo '{"loss": 1}'`;
  expect(await restored(bucket, "/up/1", sh(look))).toBe('a\nb\na\nexecutable\n{"loss": 1}\n');
});

test("an object that is no archive of the runner is handed on as a file", async () => {
  const bucket = await serveBucket();
  bucket.objects.set("/mine", Buffer.from("raw bytes"));
  expect(await restored(bucket, "/mine", sh(`cat $HONE_CHECKPOINT_IN; echo; echo '{"loss": 1}'`))).toBe(
    'raw bytes\n{"loss": 1}\n',
  );
});

test("with a scheduler a report waits for its checkpoint, and names it; heartbeats and later steps do not overtake it", async () => {
  const bucket = await serveBucket();
  const open = gated(bucket);
  const service = await serve({
    ...urls(bucket),
    claim: () => ({ body: claimed({ resource: 9, reportAt: 1, heartbeatSeconds: 0.1 }) }),
    heartbeat: () => decide("continue", 1),
  });
  const program = `echo w > $HONE_CHECKPOINT_OUT; echo '{"step": 1, "loss": 1, "checkpoint": true}'
    echo '{"step": 2, "loss": 1}'`;
  const running = startJob(service, sh(program));
  await service.received("heartbeat", 3);
  expect(service.of("report")).toEqual([]);
  open();
  expect((await running.ended).code).toBe(0);
  expect(service.of("report").map(({ body }) => [body.step, body.checkpoint])).toEqual([
    [1, nameOf(1)],
    [2, undefined],
  ]);
  expect(service.calls.at(-1)?.route).toBe("tell");
});

test("a report that no scheduler waits for does not wait for its checkpoint, which a heartbeat names", async () => {
  const bucket = await serveBucket();
  const open = gated(bucket);
  const service = await serve({
    ...urls(bucket),
    claim: () => ({ body: claimed({ resource: 9, reportAt: 3 }) }),
  });
  const program = `echo w > $HONE_CHECKPOINT_OUT; echo '{"step": 1, "loss": 1, "checkpoint": true}'
    echo '{"step": 2, "loss": 1}'; exit 3`;
  const running = startJob(service, sh(program));
  await service.received("report");
  expect(committed(service)).toEqual([]);
  open();
  await running.ended;
  expect(service.of("heartbeat").map(({ body }) => body)).toEqual([{ attempt: 2, checkpoint: nameOf(1) }]);
});

test("without one a report does not wait: a heartbeat names the checkpoint later", async () => {
  const bucket = await serveBucket();
  const service = await serve(urls(bucket));
  const program = `echo w > $HONE_CHECKPOINT_OUT; echo '{"step": 1, "loss": 1, "checkpoint": true}'; exit 3`;
  await runJob(service, sh(program));
  expect(service.of("report").map(({ body }) => body)).toEqual([
    { attempt: 2, step: 1, values: { loss: 1 } },
  ]);
  expect(service.of("heartbeat").map(({ body }) => body)).toEqual([{ attempt: 2, checkpoint: nameOf(1) }]);
});

test("a program that is done needs no checkpoint without a scheduler, and nothing waits for one", async () => {
  const bucket = await serveBucket();
  bucket.gate = new Promise(() => {});
  const service = await serve(urls(bucket));
  const program = `echo w > $HONE_CHECKPOINT_OUT; echo '{"step": 1, "loss": 1, "checkpoint": true}'; sleep 0.3`;
  const { code } = await runJob(service, sh(program));
  expect([code, committed(service)]).toEqual([0, []]);
  expect(service.of("tell")[0]?.body).toEqual({ attempt: 2, values: { loss: 1 } });
});

test.each([
  ["a connection that breaks", null],
  ["a URL that has expired", { status: 403, code: "AccessDenied" }],
  ["a bucket that is busy", { status: 503, code: "SlowDown" }],
])("after %s an upload is repeated, with another URL", async (_, fault) => {
  const bucket = await serveBucket();
  bucket.faults.push(fault, fault);
  const service = await serve({ ...urls(bucket), ...laddered });
  await runJob(service, saveFile);
  expect(bucket.puts).toEqual(["/up/1", "/up/2", "/up/3"]);
  expect(committed(service)).toEqual([nameOf(3)]);
});

test.each([
  ["a connection that breaks", null],
  ["a bucket that is busy", { status: 500, code: "InternalError" }],
])("after %s a download is repeated", async (_, fault) => {
  const bucket = await serveBucket();
  await runJob(await serve(urls(bucket)), saveFile);
  bucket.faults.push(fault);
  expect(await restored(bucket, "/up/1", sh(`cat $HONE_CHECKPOINT_IN; echo '{"loss": 1}'`))).toContain(
    "weights",
  );
});

test("a checkpoint that is gone is no checkpoint: the program begins anew", async () => {
  const bucket = await serveBucket();
  const service = await serve({ ...urls(bucket), ...resuming });
  const { code, stdout, stderr } = await runJob(
    service,
    sh('echo "in: $HONE_CHECKPOINT_IN"; echo "{\\"loss\\": 1}"'),
  );
  expect([code, stdout.toString()]).toEqual([0, 'in: \n{"loss": 1}\n']);
  expect(stderr).toContain("begins anew");
});

test("a checkpoint that is larger than one upload may be is refused with the reason, and its report is sent", async () => {
  const bucket = await serveBucket();
  const service = await serve({ ...urls(bucket, 1024), ...laddered });
  const { code, stderr } = await runJob(service, saveFile);
  expect(code).toBe(0);
  expect(stderr).toContain(
    "the checkpoint is not saved: it has 0.00 GiB, and one upload takes at most 0.00 GiB",
  );
  expect(bucket.puts).toEqual([]);
  expect(service.of("report").map(({ body }) => body)).toEqual([
    { attempt: 2, step: 1, values: { loss: 1 } },
  ]);
});

test("nothing is packed of a checkpoint that is too large for any upload", async () => {
  const bucket = await serveBucket();
  const service = await serve(urls(bucket));
  const program = `truncate -s 6G $HONE_CHECKPOINT_OUT; echo '{"step": 1, "loss": 1, "checkpoint": true}'; exit 3`;
  const { stderr } = await runJob(service, sh(program));
  expect(stderr).toContain("it has 6.00 GiB, and one upload takes at most 5.00 GiB");
  expect(service.of("checkpoint")).toEqual([]);
});

test("after a SIGTERM an upload of a program that has ended gets the grace time, and then the result is told", async () => {
  const bucket = await serveBucket();
  bucket.gate = new Promise(() => {});
  const service = await serve({ ...urls(bucket), ...laddered });
  const program = sh(`echo w > $HONE_CHECKPOINT_OUT; echo '{"loss": 1, "checkpoint": true}'`);
  const running = startJob(service, program, { options: ["--grace", "0.5"] });
  await bucket.uploading();
  await new Promise((resolve) => setTimeout(resolve, 500));
  expect(service.of("tell")).toEqual([]);
  running.process.kill("SIGTERM");
  expect((await running.ended).code).toBe(0);
  expect(service.of("tell")[0]?.body).toEqual({ attempt: 2, values: { loss: 1 } });
});

/** Appends to the checkpoint without a pause, until it is told to end, or for a minute. */
const restless = python(`
import os, threading, time
place = os.environ["HONE_CHECKPOINT_OUT"]
with open(place, "wb") as file:
    file.truncate(100_000_000) # so that it takes long to pack, on a busy machine too
def write():
    with open(place, "ab", buffering=0) as file:
        while True:
            file.write(b"more")
threading.Thread(target=write, daemon=True).start()
print('{"step": 1, "loss": 1, "checkpoint": true}')
end = time.monotonic() + 60
while not os.path.exists(os.environ["END"]) and time.monotonic() < end:
    time.sleep(0.05)
os._exit(3)`);

test("a checkpoint that was not saved is not uploaded, with the reason", async () => {
  const bucket = await serveBucket();
  const service = await serve(urls(bucket));
  const { stderr } = await runJob(service, sh(`echo '{"step": 1, "loss": 1, "checkpoint": true}'; exit 3`));
  expect(stderr).toMatch(/the checkpoint is not saved: .*No such file or directory/);
  expect([bucket.puts, committed(service)]).toEqual([[], []]);
});

test("a checkpoint that keeps changing is not uploaded, with the reason", async () => {
  const bucket = await serveBucket();
  const service = await serve(urls(bucket));
  const end = join(temporaryFolder(), "end");
  const running = startJob(service, restless, { env: { END: end } });
  running.process.stderr?.on("data", (text: Buffer) => {
    if (text.includes("is not saved")) writeFileSync(end, "");
  });
  const { stderr } = await running.ended;
  expect(stderr).toMatch(/the checkpoint is not saved: .*the program keeps changing it/);
  expect([bucket.puts, committed(service)]).toEqual([[], []]);
});

test("while one is uploaded only the newest of the others waits", async () => {
  const bucket = await serveBucket();
  const open = gated(bucket);
  const service = await serve(urls(bucket));
  const program = `save() { echo $1 > $HONE_CHECKPOINT_OUT; echo "{\\"step\\": $1, \\"loss\\": 1, \\"checkpoint\\": true}"; sleep 0.2; }
    save 1; save 2; save 3; exit 3`;
  const running = startJob(service, sh(program), { options: ["--report-every", "0"] });
  await bucket.uploading();
  await service.received("report", 3);
  await new Promise((resolve) => setTimeout(resolve, 300));
  open();
  await running.ended;
  expect(bucket.puts).toEqual(["/up/1", "/up/2"]);
  // A commit that was not sent yet when the next one was ready is left out.
  expect(committed(service).at(-1)).toBe(nameOf(2));
  expect(bucket.objects.get("/up/2")?.toString()).toContain("3\n");
});

test("what the program saves on SIGTERM is uploaded and committed, and nothing is told", async () => {
  const bucket = await serveBucket();
  const service = await serve(urls(bucket));
  const program = `
import os, signal, sys, time
def save(*_):
    with open(os.environ["HONE_CHECKPOINT_OUT"], "w") as file:
        file.write("last")
    print('{"checkpoint": true}')
    sys.exit(0)
signal.signal(signal.SIGTERM, save)
print('{"step": 1, "loss": 1}')
time.sleep(600)`;
  const running = startJob(service, python(program));
  await service.received("report");
  running.process.kill("SIGTERM");
  expect((await running.ended).code).toBe(143);
  expect([committed(service), service.of("tell")]).toEqual([[nameOf(1)], []]);
});

test("a report whose checkpoint Hone refuses is sent without it", async () => {
  const bucket = await serveBucket();
  const service = await serve({
    ...urls(bucket),
    ...laddered,
    report: ({ body }) =>
      body.checkpoint === undefined
        ? decide("continue")
        : { problem: "invalid-input", detail: "Nothing has been uploaded." },
  });
  const { stderr } = await runJob(service, saveFile);
  expect(service.of("report").map(({ body }) => body.checkpoint)).toEqual([nameOf(1), undefined]);
  expect(stderr).toContain("Nothing has been uploaded.");
});

test("an attempt that is lost while it uploads ends its program and commits nothing", async () => {
  const bucket = await serveBucket();
  bucket.gate = new Promise(() => {});
  const service = await serve({
    ...urls(bucket),
    claim: () => ({ body: claimed({ heartbeatSeconds: 0.2 }) }),
    heartbeat: () => ({ problem: "stale-attempt" }),
  });
  const { code } = await runJob(
    service,
    sh(`${"echo w > $HONE_CHECKPOINT_OUT"}; echo '{"checkpoint": true}'; sleep 60`),
  );
  expect([code, committed(service), service.of("tell")]).toEqual([0, [], []]);
});

test("a SIGTERM during the download ends the run before its program starts", async () => {
  const service = await serve({ ...resuming, checkpoint: () => ({ problem: "unavailable" }) });
  const running = startJob(service, sh("echo ran"));
  await service.received("checkpoint");
  running.process.kill("SIGTERM");
  const { code, stdout } = await running.ended;
  expect([code, stdout.toString()]).toEqual([143, ""]);
});

test("a bucket that stays away for longer than --patience makes the attempt run again later", async () => {
  const away = { url: "http://127.0.0.1:9/away", expires: "2026-11-23T13:00:00Z" };
  const checkpoint = () => ({ body: { upload: uploadTo(away.url), download: away } });
  const service = await serve({ ...resuming, checkpoint });
  const { code, stdout } = await runJob(service, sh("echo ran"), { options: ["--patience", "0.5"] });
  expect([code, stdout.toString()]).toEqual([75, ""]);
});

test("no file of the runner is left when it ends", async () => {
  const folder = temporaryFolder();
  const job: JobOptions = { env: { TMPDIR: folder } };
  const bucket = await serveBucket();
  await runJob(await serve(urls(bucket)), saveFile, job);
  expect(bucket.puts).toEqual(["/up/1"]);
  expect(readdirSync(folder)).toEqual([]);
});

test("a place that the job's environment gives is what the program and the runner use", async () => {
  const folder = temporaryFolder();
  const bucket = await serveBucket();
  const service = await serve(urls(bucket));
  await runJob(service, saveFile, { env: { HONE_CHECKPOINT_OUT: join(folder, "own") } });
  expect([readdirSync(folder), committed(service)]).toEqual([["own"], [ANY]]);
});
