import { expect, test } from "vitest";
import { python, runJob, serve, sh } from "./driver.ts";
import type { ContractService } from "./service.ts";

const failure = (service: ContractService): string => service.of("tell")[0]?.body.failed.reason ?? "";
const values = (service: ContractService) => service.of("tell")[0]?.body.values;

/** Lines of output, and the report that each must become. */
const metricLines: [line: string, report: object][] = [
  ['{"step": 1, "loss": 0.5}', { step: 1, values: { loss: 0.5 } }],
  ['  {"step":2,"loss":1e-320}\t', { step: 2, values: { loss: 1e-320 } }],
  [
    '{"step": 3.5, "a.b-c_D": -2, "on": true, "note": "fine", "x": null}',
    { step: 3.5, values: { "a.b-c_D": -2 } },
  ],
  [
    '{"step": 4, "loss": NaN, "gain": Infinity, "drop": -Infinity}',
    { step: 4, values: { loss: "nan", gain: "inf", drop: "-inf" } },
  ],
  [
    '{"step": 5, "loss": nan, "gain": -nan, "drop": -inf}',
    { step: 5, values: { loss: "nan", gain: "nan", drop: "-inf" } },
  ],
  ['{"step": 6, "loss": NA, "gain": Inf}', { step: 6, values: { loss: "nan", gain: "inf" } }],
  ['{"step": 7, "loss": "NaN", "gain": "-inf"}', { step: 7, values: { loss: "nan", gain: "-inf" } }],
  ['{"step": 8, "loss": 1e999, "gain": -1e999}', { step: 8, values: { loss: "inf", gain: "-inf" } }],
  [
    '{"step": 9, "count": 9007199254740993, "big": 1e300}',
    { step: 9, values: { count: 9007199254740992, big: 1e300 } },
  ],
  [
    '{"step": 10, "loss": 1, "__proto__": 2, "constructor": 3, "val/loss": 4}',
    { step: 10, values: { loss: 1 } },
  ],
  [
    '{"step": 11, "loss": 0.1, "checkpoint": "s3://b/k"}',
    { step: 11, values: { loss: 0.1 }, checkpoint: "s3://b/k" },
  ],
];

/** Lines of output that are neither a report nor a result. */
const otherLines = [
  "plain text",
  "",
  "{",
  "{}",
  "[1, 2]",
  "3.5",
  '{"step": 20}',
  '{"message": "nan is not here"}',
  '{"ok": true}',
  '{"nested": {"loss": 1}}',
  '{"loss": [1]}',
  '{"loss": 1',
  'x{"loss": 1}',
  "{loss: 1}",
  `{"a":${"[".repeat(5000)}}`,
];

test("every form of a metric line becomes a report, and no other line does", async () => {
  const service = await serve();
  const lines = [...metricLines.map(([line]) => line), ...otherLines];
  const program = `cat <<'END'\n${lines.join("\n")}\nEND`;
  const { code, stdout } = await runJob(service, sh(program), { options: ["--report-every", "0"] });
  expect(code).toBe(0);
  expect(stdout.toString()).toBe(`${lines.join("\n")}\n`);
  expect(service.of("report").map((call) => call.body)).toEqual(
    metricLines.map(([, report]) => ({ attempt: 2, ...report })),
  );
});

test("a line whose step the service would refuse is not reported, but its values count for the result", async () => {
  const service = await serve();
  const steps = ["-1", "NaN", "1e10", '"3"', "true"];
  await runJob(service, sh(steps.map((step, i) => `echo '{"step": ${step}, "m${i}": ${i}}'`).join("\n")));
  expect(service.of("report").length).toBe(0);
  expect(values(service)).toEqual({ m0: 0, m1: 1, m2: 2, m3: 3, m4: 4 });
});

test("the last value of each metric is told, with the last checkpoint", async () => {
  const service = await serve();
  const program = `
    echo '{"step": 1, "loss": 3, "rate": 7, "checkpoint": "s3://b/1"}'
    echo '{"step": 2, "loss": 2}'
    echo '{"accuracy": 0.5, "loss": 1, "checkpoint": "s3://b/2"}'
    echo '{"seconds": 12}'`;
  await runJob(service, sh(program));
  expect(service.of("tell")[0]?.body).toEqual({
    attempt: 2,
    values: { loss: 1, rate: 7, accuracy: 0.5, seconds: 12 },
    checkpoint: "s3://b/2",
  });
});

test('a non-finite value is told as "nan", "inf" or "-inf"', async () => {
  const service = await serve();
  await runJob(service, python("print({'loss': float('nan')}.__repr__().replace(\"'\", '\"'))"));
  expect(values(service)).toEqual({ loss: "nan" });
});

test("a last line without a newline counts, and so does a line that arrives in pieces", async () => {
  const service = await serve();
  const program = `printf '{"loss"'; sleep 0.05; printf ': 0.5}\n{"accuracy"'; sleep 0.05; printf ': 0.9}'`;
  await runJob(service, sh(program));
  expect(values(service)).toEqual({ loss: 0.5, accuracy: 0.9 });
});

test("a checkpoint alone is sent immediately, with a heartbeat", async () => {
  const service = await serve();
  const { code } = await runJob(service, sh(`echo '{"checkpoint": "s3://b/k"}'; echo '{"loss": 1}'`));
  expect(code).toBe(0);
  expect(service.of("heartbeat").map((call) => call.body)).toEqual([{ attempt: 2, checkpoint: "s3://b/k" }]);
});

test("a program that ends without a metric line has failed with no-result", async () => {
  const service = await serve();
  const { code } = await runJob(service, sh("echo done"));
  expect(code).toBe(0);
  expect(failure(service)).toBe("no-result: the program ended without printing a metric line");
});

test("the reason of a failed program is its exit code and the last lines of its error output", async () => {
  const service = await serve();
  const { code } = await runJob(service, sh(`echo '{"loss": 1}'; seq 1 20 >&2; exit 3`));
  expect(code).toBe(0);
  expect(failure(service)).toBe(`exit code 3\n${[11, 12, 13, 14, 15, 16, 17, 18, 19, 20].join("\n")}`);
});

test("a reason is cut to 1024 characters, as the service counts them, and keeps the end of the error output", async () => {
  const service = await serve();
  const program = "import sys; sys.stderr.write('\\U0001F4A5' * 3000 + ' \\x1b[31m\\0the end'); sys.exit(1)";
  const { code } = await runJob(service, python(program), { env: { PYTHONUTF8: "1" } });
  expect(code).toBe(0);
  expect(failure(service).length).toBeGreaterThan(1000);
  expect(failure(service).length).toBeLessThanOrEqual(1024);
  expect(failure(service)).toMatch(/^exit code 1\n.*💥 \[31mthe end$/u);
});

test.each([
  ["kill -KILL $$", "killed by SIGKILL: often out of memory; request more memory (exit code 137)"],
  [
    "sh -c 'kill -KILL $$'; exit $?",
    "killed by SIGKILL: often out of memory; request more memory (exit code 137)",
  ],
  ["kill -SEGV $$", "killed by SIGSEGV (exit code 139)"],
  ["exit 255", "exit code 255"],
])("a program that ends by `%s` is told as failed: %s", async (program, reason) => {
  const service = await serve();
  const { code } = await runJob(service, sh(program));
  expect(code).toBe(0);
  expect(failure(service).split("\n")[0]).toBe(reason);
});

test("a program that ends with 75 asks to be run again: nothing is told, and the runner exits 75", async () => {
  const service = await serve();
  const { code } = await runJob(service, sh(`echo '{"loss": 1}'; exit 75`));
  expect([code, service.of("tell").length]).toEqual([75, 0]);
});

test("a program that cannot be started has failed", async () => {
  const service = await serve();
  const { code } = await runJob(service, ["/no/such/program"]);
  expect(code).toBe(0);
  expect(failure(service)).toContain("could not be started");
  expect(failure(service)).toContain("/no/such/program");
});

test("binary output is forwarded byte for byte, on both streams", async () => {
  const service = await serve();
  const bytes = "bytes(range(256)) * 40";
  const program = `import sys; sys.stdout.buffer.write(${bytes}); sys.stderr.buffer.write(${bytes}); print('\\n{"a": 1}')`;
  const { stdout } = await runJob(service, python(program));
  const expected = Buffer.concat(Array.from({ length: 40 }, () => Uint8Array.from(Array(256).keys())));
  expect(stdout.subarray(0, expected.length).equals(expected)).toBe(true);
  expect(values(service)).toEqual({ a: 1 });
});

test("large output on both streams, and lines of megabytes, do not block and are not lost", async () => {
  const service = await serve();
  const program = `
import sys
for i in range(200):
    sys.stdout.write("x" * 99_999 + "\\n")
    sys.stderr.write("y" * 99_999 + "\\n")
sys.stdout.write("z" * 5_000_000 + "\\n")
print('{"accuracy": 0.9}')`;
  const { code, stdout, stderr } = await runJob(service, python(program));
  expect(code).toBe(0);
  expect(stdout.length).toBe(200 * 100_000 + 5_000_001 + 18);
  expect(stderr.match(/^y{99999}$/gm)?.length).toBe(200);
  expect(values(service)).toEqual({ accuracy: 0.9 });
});

test("when a program prints faster than the service answers, old reports are dropped, never the last", async () => {
  const service = await serve({
    report: async () => {
      await new Promise((resolve) => setTimeout(resolve, 20));
      return {
        body: { decision: "continue", reason: "", leaseExpires: "2026-11-23T12:00:00Z", reportAt: null },
      };
    },
  });
  const { code } = await runJob(
    service,
    python(`[print('{"step": %d, "loss": %d}' % (i, i)) for i in range(5000)]`),
    { options: ["--report-every", "0"] },
  );
  expect(code).toBe(0);
  const steps = service.of("report").map((call) => call.body.step);
  expect(steps.length).toBeLessThan(5000);
  expect(steps.at(-1)).toBe(4999);
  expect(steps).toEqual([...steps].sort((a, b) => a - b));
  expect(values(service)).toEqual({ loss: 4999 });
});

test("waiting lines with the same step become one report", async () => {
  let release = () => {};
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  const service = await serve({
    report: async () => {
      await held;
      return {
        body: { decision: "continue", reason: "", leaseExpires: "2026-11-23T12:00:00Z", reportAt: null },
      };
    },
  });
  const program = `echo '{"step": 1, "a": 1}'; sleep 0.2; echo '{"step": 2, "a": 2}'; echo '{"step": 2, "b": 3}'`;
  const ended = runJob(service, sh(program));
  await service.received("report");
  setTimeout(release, 500);
  await ended;
  expect(service.of("report").map((call) => call.body.values)).toEqual([{ a: 1 }, { a: 2, b: 3 }]);
});

test("a report that the service refuses is dropped, and the run continues", async () => {
  const service = await serve({ report: () => ({ problem: "invalid-input" }) });
  const { code } = await runJob(service, sh(`echo '{"step": 1, "loss": 1}'; sleep 0.2; echo '{"loss": 2}'`));
  expect(code).toBe(0);
  expect(values(service)).toEqual({ loss: 2 });
});
