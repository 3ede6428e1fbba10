import { expect, test } from "vitest";
import { type Route, type RouteName, routes } from "../../../shared/api/routes.ts";
import type { Study } from "../../../shared/schemas/study.ts";
import { createTeam } from "../../../shared/service/access/teams.ts";
import { createToken } from "../../../shared/service/access/tokens.ts";
import { batchExecution, memoryWorld } from "../../support/batch.ts";
import { gateway, logLines } from "../../support/gateway.ts";
import { noReceipt, studyBody, TEAM } from "../../support/service.ts";

/**
 * A canary in whatever a client may write, through every route: none of it is in a log line or a line of the audit trail, and what is a
 * secret is where it has to be and nowhere else.
 */
const CANARY = {
  environment: "canary-environment-51c2",
  command: "canary-command-83d1",
  secret: "canary-secret-c0fe",
  params: "canary-params-a907",
  worker: "canary-worker-77be",
  reason: "canary-reason-19fa",
  key: "canary-key-4e60",
  unknown: "canary-unknown-d3a8",
} as const;

const base = `/v1/teams/${TEAM}`;

const makeWorld = async () => {
  const world = await memoryWorld();
  const { deps } = world;
  await createTeam(deps, TEAM);
  const made = (role: "owner" | "viewer" | "worker") =>
    createToken(deps, TEAM, { name: role, role }, "admin", noReceipt);
  const tokens = { owner: await made("owner"), viewer: await made("viewer"), worker: await made("worker") };
  const call = gateway(deps);
  const replies: { readonly role: string; readonly text: string }[] = [];
  const send = async <T>(role: keyof typeof tokens, method: string, path: string, body?: unknown) => {
    const headers = { "idempotency-key": `${CANARY.key}-${replies.length}` };
    const reply = await call<T>(method, `${base}${path}`, { token: tokens[role].token, body, headers });
    replies.push({ role, text: JSON.stringify(reply) });
    return reply;
  };
  return { world, tokens, send, replies };
};

const space = { x: { type: "categorical", choices: [CANARY.params, "b"] } } as never;
const executor = {
  ...batchExecution,
  command: ["python", CANARY.command],
  environment: { MODEL: CANARY.environment, MODEL_TOKEN: CANARY.environment },
  secrets: { WANDB_API_KEY: { secretsManager: `hone/${TEAM}/${CANARY.secret}` } },
};

/** A body for each route, with a canary in each text that it takes. */
const bodies: Partial<Record<RouteName, object>> = {
  createStudy: studyBody({ space, executor, budget: { trials: 3 } }),
  patchStudy: { budget: { trials: 9 } },
  ask: { worker: CANARY.worker, count: 2 },
  report: { attempt: 1, step: 1, values: { accuracy: 0.5 } },
  heartbeat: { attempt: 1 },
  checkpoint: { attempt: 1 },
  tell: { attempt: 1, failed: { reason: CANARY.reason } },
  claim: { attempt: 1, jobId: CANARY.unknown, claimant: "claimant-0123456789" },
  addTrials: { trials: [{ params: { x: CANARY.params } }] },
  createToken: { name: "made", role: "viewer" },
  createSweep: { name: "made", schedule: { rate: { days: 1 } }, template: studyBody({ space, executor }) },
  exportAudit: { month: "2026-11" },
  deleteTeam: { confirm: "another-team" },
};

const fill = (route: Route, study: string) =>
  route.path
    .replace("{study}", study)
    .replace("{number}", "0")
    .replace(/\{\w+\}/, "abcdefghijkl");

test("no canary is in a log line, nor in the audit trail, whichever route it goes through", async () => {
  const { world, tokens, send, replies } = await makeWorld();
  logLines.length = 0;
  const made = async (change: object) =>
    (await send<Study>("owner", "POST", "/studies", studyBody({ space, budget: { trials: 6 }, ...change })))
      .body.study;
  const client = await made({});
  const batch = await made({ executor });
  // Deletions last: each route is tried on both studies, well-formed, with a field that there is not, and as no JSON.
  const order = (Object.entries(routes) as [RouteName, Route][]).sort(
    ([, one], [, other]) => Number(one.method === "DELETE") - Number(other.method === "DELETE"),
  );
  for (const role of ["owner", "viewer", "worker"] as const) {
    for (const study of [client, batch]) {
      for (const [name, route] of order) {
        if (name === "deleteStudy" && role === "owner") continue;
        const path = fill(route, study);
        await send(role, route.method, path, bodies[name]);
        await send(role, route.method, path, { ...bodies[name], [CANARY.unknown]: CANARY.unknown });
        await send(role, route.method, path, `{"${CANARY.unknown}`);
        await send(role, route.method, `${path}?cursor=${CANARY.unknown}&${CANARY.unknown}=1`);
      }
    }
  }
  await send("owner", "DELETE", `/studies/${batch}`);
  expect(logLines.length).toBeGreaterThan(200);
  const secrets = Object.values(tokens).map(({ token }) => token.slice(-43));
  const everything = [...Object.values(CANARY), ...secrets];
  const audit = world.table.items().filter(({ pk }) => String(JSON.stringify(pk)).includes("AUDIT#"));
  expect(audit.length).toBeGreaterThan(4);
  const exports = [...world.checkpoints.texts.values()].join();
  for (const canary of everything) {
    expect(logLines.filter((line) => line.includes(canary))).toEqual([]);
    expect(JSON.stringify(audit)).not.toContain(canary);
    expect(exports).not.toContain(canary);
  }
  // A key and a secret are hashed before anything is stored; a study's command and environment are what Batch is given.
  const table = JSON.stringify(world.table.items());
  for (const secret of [...secrets, CANARY.key, CANARY.unknown]) expect(table).not.toContain(secret);
  expect(replies.filter(({ text }) => secrets.some((secret) => text.includes(secret)))).toEqual([]);
  for (const hidden of [CANARY.environment, CANARY.command, CANARY.secret]) {
    const seen = replies.filter(({ text }) => text.includes(hidden)).map(({ role }) => role);
    expect(new Set(seen)).toEqual(new Set(["owner"]));
  }
  expect(replies.some(({ text }) => text.includes("in plain text: MODEL_TOKEN."))).toBe(true);
});
