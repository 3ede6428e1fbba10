import type { ServerResponse } from "node:http";
import { expect, test } from "vitest";
import { python, RUNNER, runJob, serve, sh, start } from "./driver.ts";
import { BOOTSTRAP, claimed, TRIAL_TOKEN } from "./service.ts";

const told = '{"accuracy": 0.9}';
const tellAccuracy = sh(`echo '${told}'`);

test("a trial is claimed, its program is run, and its last values are told", async () => {
  const service = await serve();
  const program = `echo '{"step": 1, "loss": 0.5}'; echo '{"step": 2, "loss": 0.25}'; echo '{"accuracy": 0.97}'`;
  const { code, stdout } = await runJob(service, sh(program), { options: ["--report-every", "0"] });
  expect(code).toBe(0);
  expect(stdout.toString()).toBe('{"step": 1, "loss": 0.5}\n{"step": 2, "loss": 0.25}\n{"accuracy": 0.97}\n');
  expect(service.calls.map((call) => [call.route, call.number, call.body])).toEqual([
    ["claim", 7, { attempt: 2, jobId: "job-1", claimant: expect.stringMatching(/^[0-9a-f]{32}$/) }],
    ["report", 7, { attempt: 2, step: 1, values: { loss: 0.5 } }],
    ["report", 7, { attempt: 2, step: 2, values: { loss: 0.25 } }],
    ["tell", 7, { attempt: 2, values: { loss: 0.25, accuracy: 0.97 } }],
  ]);
});

test("the claim has the bootstrap token and no Idempotency-Key; later writes have the trial's token and a key each", async () => {
  const service = await serve();
  const program = sh(`echo '{"step": 1, "loss": 1}'; echo '{"step": 2, "loss": 1}'`);
  await runJob(service, program, { options: ["--report-every", "0"] });
  const [claim, ...writes] = service.calls;
  expect([claim?.token, claim?.key]).toEqual([BOOTSTRAP, undefined]);
  expect(new Set(writes.map((call) => call.token))).toEqual(new Set([TRIAL_TOKEN]));
  expect(new Set(writes.map((call) => call.key)).size).toBe(3);
  expect(writes.every((call) => call.key !== undefined)).toBe(true);
});

test.each(["claim-lost", "stale-attempt"] as const)(
  "a runner that loses the claim (%s) exits with 0 and runs nothing",
  async (problem) => {
    const service = await serve({ claim: () => ({ problem }) });
    const { code, stdout } = await runJob(service, sh("echo ran"));
    expect([code, stdout.toString()]).toEqual([0, ""]);
    expect(service.calls.map((call) => call.route)).toEqual(["claim"]);
  },
);

test.each(["unauthenticated", "forbidden", "study-not-found"] as const)(
  "when the claim is refused (%s), the runner exits with 1 and runs nothing",
  async (problem) => {
    const service = await serve({ claim: () => ({ problem, detail: "Not for you." }) });
    const { code, stdout, stderr } = await runJob(service, sh("echo ran"));
    expect([code, stdout.toString()]).toEqual([1, ""]);
    expect(stderr).toContain("Not for you.");
    expect(service.calls.length).toBe(1);
  },
);

test("a claim whose reply is lost is repeated by the same claimant, and the program runs once", async () => {
  const service = await serve({
    claim: (_, count) => ({
      body: claimed(),
      ...(count < 3 ? { lost: true } : {}),
    }),
  });
  const { code, stdout } = await runJob(service, tellAccuracy);
  expect([code, stdout.toString()]).toEqual([0, `${told}\n`]);
  expect(new Set(service.of("claim").map((call) => call.body.claimant)).size).toBe(1);
  expect(service.calls.map((call) => call.route)).toEqual(["claim", "claim", "claim", "tell"]);
});

test("a call is retried when the service is throttled or failing", async () => {
  const problems = [
    { problem: "rate-limited", retryAfter: 0 },
    { problem: "unavailable" },
    { problem: "internal" },
    { problem: "in-progress" },
    { raw: (response: ServerResponse) => void response.writeHead(502).end("Bad gateway") },
  ] as const;
  const accepted = { body: { number: 7, state: "completed" } };
  const service = await serve({ tell: (_, count) => problems[count - 1] ?? accepted });
  const { code } = await runJob(service, tellAccuracy);
  expect(code).toBe(0);
  expect(service.of("tell").length).toBe(6);
  expect(new Set(service.of("tell").map((call) => call.key)).size).toBe(1);
});

test("when the service cannot be reached within --patience, the runner exits with 75, so that the job is retried", async () => {
  const service = await serve();
  const env = { HONE_API: service.api.replace(/:\d+/, ":9") };
  const { code, stdout } = await runJob(service, sh("echo ran"), { env, options: ["--patience", "0.1"] });
  expect([code, stdout.toString()]).toEqual([75, ""]);
});

test("a tell whose reply is lost is repeated with the same key and body", async () => {
  const service = await serve({
    tell: (_, count) => ({
      body: { number: 7, state: "completed" },
      ...(count < 3 ? { lost: true } : {}),
    }),
  });
  const { code } = await runJob(service, tellAccuracy);
  expect(code).toBe(0);
  const tells = service.of("tell");
  expect(tells.length).toBe(3);
  expect(new Set(tells.map((call) => `${call.key} ${JSON.stringify(call.body)}`)).size).toBe(1);
});

test("when the result cannot be told within --patience, the runner exits with 75", async () => {
  const service = await serve({ tell: () => ({ problem: "unavailable" }) });
  const { code } = await runJob(service, tellAccuracy, { options: ["--patience", "0.1"] });
  expect(code).toBe(75);
});

test.each(["already-told", "stale-attempt", "trial-not-found"] as const)(
  "a result that is no longer needed (%s) is not an error",
  async (problem) => {
    const service = await serve({ tell: () => ({ problem }) });
    const { code } = await runJob(service, tellAccuracy);
    expect(code).toBe(0);
    expect(service.of("tell").length).toBe(1);
  },
);

test("when the service refuses the result, the trial is told as failed with the service's reason", async () => {
  const service = await serve({
    tell: (call) =>
      call.body.failed === undefined
        ? { problem: "invalid-input", detail: "The objective `accuracy` is missing." }
        : { body: { number: 7, state: "failed" } },
  });
  const { code } = await runJob(service, sh(`echo '{"acuracy": 0.9}'`));
  expect(code).toBe(0);
  const [first, second] = service.of("tell");
  expect(second?.body.failed.reason).toContain("The objective `accuracy` is missing.");
  expect(second?.key).not.toBe(first?.key);
});

test("a reply that is not JSON is treated like no reply", async () => {
  const service = await serve({
    tell: (_, count) =>
      count === 1
        ? { raw: (response) => void response.writeHead(200).end("<html>captive portal</html>") }
        : { body: { number: 7, state: "completed" } },
  });
  const { code } = await runJob(service, tellAccuracy);
  expect([code, service.of("tell").length]).toEqual([0, 2]);
});

test("a redirect is not followed, so the token is not sent to another host", async () => {
  const elsewhere = await serve();
  const service = await serve({
    claim: () => ({
      raw: (response) => void response.writeHead(302, { Location: `${elsewhere.api}/teams/acme` }).end(),
    }),
  });
  const { code } = await runJob(service, sh("echo ran"));
  expect([code, elsewhere.calls.length]).toEqual([1, 0]);
});

test("a proxy is not used for the loopback interface", async () => {
  const service = await serve();
  const env = { http_proxy: "http://127.0.0.1:9", HTTP_PROXY: "http://127.0.0.1:9" };
  const { code } = await runJob(service, tellAccuracy, { env });
  expect([code, service.of("tell").length]).toEqual([0, 1]);
});

test("neither token is in the runner's output or in a failure's reason", async () => {
  const service = await serve();
  const { code, stderr } = await runJob(
    service,
    sh('echo "token $HONE_TOKEN" | tee /dev/stderr >&2; exit 1'),
  );
  expect(code).toBe(0);
  const runnersOwn = stderr.split("\n").filter((line) => line.startsWith("hone: "));
  expect(runnersOwn.join()).not.toContain(TRIAL_TOKEN);
  expect(stderr).not.toContain(BOOTSTRAP);
  expect(service.of("tell")[0]?.body.failed.reason).toContain("token [token]");
});

test("no secret of the job is in a reason, one that holds another included; of a value as short as a word nothing is kept", async () => {
  const secrets = {
    DB_PASSWORD: "s3cret-canary",
    DB_URL: "postgres://s3cret-canary@host",
    PIN: "1",
    EMPTY: "",
  };
  const env = { ...secrets, HONE_SECRETS: "DB_PASSWORD,DB_URL,PIN,EMPTY,ABSENT" };
  const failed = await serve();
  await runJob(failed, sh('echo "1: no $DB_URL with $DB_PASSWORD" >&2; exit 1'), { env });
  const reason = failed.of("tell")[0]?.body.failed?.reason;
  expect(reason).toContain("1: no [secret] with [secret]");
  const pruned = await serve();
  await runJob(pruned, sh('echo "{\\"pruned\\": \\"no $DB_PASSWORD\\"}"'), { env });
  expect(pruned.of("tell")[0]?.body.pruned?.reason).toBe("no [secret]");
});

/** What a failed program's reason has of its error output, when the job has this secret. */
const toldWith = async (secret: string, script: string) => {
  const service = await serve();
  await runJob(
    service,
    python(`import json, os, sys\nsecret = os.environ["SECRET"]\n${script}\nsys.exit(1)`),
    {
      env: { HONE_SECRETS: "SECRET", SECRET: secret },
    },
  );
  return service.of("tell")[0]?.body.failed.reason.replace("exit code 1\n", "");
};

const keyLines = Array.from({ length: 26 }, (_, line) => `KEY${line}-abcdefghijklmnopqrstuvwxyz`);
const key = `-----BEGIN KEY-----\n${keyLines.join("\n")}\nsh0rt==\n-----END KEY-----\n`;
const account = JSON.stringify({ user: { name: "tuner", password: "pass-canary", pin: 12345678 }, key });

test.each([
  ["a secret of more lines than a reason has", key, "print(secret + 'end', file=sys.stderr)", "[secret]end"],
  [
    "some lines of a secret, each with a prefix",
    key.replaceAll("\n", "\r\n"),
    "[print('log:', line, file=sys.stderr) for line in secret.split()[2:5]]",
    "log: [secret]\nlog: [secret]\nlog: [secret]",
  ],
  [
    "a value without the blanks around it",
    "  pa ss\n",
    "print('no', secret.strip(), file=sys.stderr)",
    "no [secret]",
  ],
  [
    "values inside JSON",
    account,
    "print('no', *json.loads(secret)['user'].values(), file=sys.stderr)",
    "no tuner [secret] [secret]",
  ],
  [
    "lines of a text inside JSON inside JSON",
    JSON.stringify([account]),
    "print(repr(json.loads(json.loads(secret)[0])['key'].splitlines()[3:5]), file=sys.stderr)",
    "['[secret]', '[secret]']",
  ],
  [
    "the end of a secret whose begin is cut off",
    `s3cret-canary ${"x".repeat(20_000)} s3cret-canary`,
    "sys.stderr.write(secret + '\\1' * 8180 + 'end')",
    "end",
  ],
  [
    "secrets that overlap",
    JSON.stringify(["canary-one", "one-canary"]),
    "print('no canary-one-canary!', file=sys.stderr)",
    "no [secret]!",
  ],
])("a reason has nothing of a secret: %s", async (_, secret, script, shown) => {
  expect(await toldWith(secret, script)).toBe(shown);
});

test("parts of a secret as short as a word stay in a reason, and so does the rest of the last lines", async () => {
  const lines = Array.from({ length: 12 }, (_, line) => `line ${line} of the error`);
  const shown = await toldWith(
    "word\nanother",
    `print("""${lines.join("\n")} word another""", file=sys.stderr)`,
  );
  expect(shown).toBe(`${lines.slice(-10).join("\n")} word another`);
});

test("nothing of a token that the cut of the error output splits is in a reason", async () => {
  const service = await serve();
  // The control characters count for the cut, and are not shown.
  const script = `import os, sys; sys.stderr.write(os.environ["HONE_TOKEN"] + "\\1" * 8180 + "end"); sys.exit(1)`;
  await runJob(service, python(script));
  expect(service.of("tell")[0]?.body.failed.reason).toBe("exit code 1\nend");
});

test("without its variables the runner says which are missing, and exits with 2", async () => {
  const bare = await start(["exec", "--", "true"], {}).ended;
  expect([bare.code, bare.stderr]).toEqual([2, "hone: HONE_API, HONE_TEAM, HONE_TOKEN not set\n"]);
  const env = { HONE_API: "http://127.0.0.1:9/v1", HONE_TEAM: "acme", HONE_TOKEN: "t", HONE_TRIAL: "x" };
  const odd = await start(["exec", "--", "true"], env).ended;
  expect(odd.code).toBe(2);
  expect(odd.stderr).toContain("HONE_TRIAL");
});

test("the image's entrypoint and the study's command may both name the runner: the inner one only runs the program", async () => {
  const service = await serve();
  const { code } = await runJob(service, [RUNNER, "exec", "--", ...tellAccuracy]);
  expect(code).toBe(0);
  expect(service.calls.map((call) => call.route)).toEqual(["claim", "tell"]);
});

test("everything after the first -- is the program's command", async () => {
  const service = await serve();
  const program = python("import sys, json; print(json.dumps({'n': len(sys.argv)})); print(sys.argv[1:])");
  const { stdout } = await runJob(service, [...program, "--grace", "--", "-h"]);
  expect(stdout.toString()).toBe(`{"n": 4}\n['--grace', '--', '-h']\n`);
});
