import { beforeAll, expect, test } from "vitest";
import type { CreatedToken, Token } from "../../../shared/schemas/token.ts";
import { createTeam } from "../../../shared/service/access/teams.ts";
import { createToken } from "../../../shared/service/access/tokens.ts";
import type { ApiDeps } from "../../../shared/service/core/deps.ts";
import { createTestTable } from "../../support/emulator.ts";
import { type Gateway, gateway } from "../../support/gateway.ts";
import { noReceipt, TEAM, testDeps } from "../../support/service.ts";

const path = `/v1/teams/${TEAM}/tokens`;
let deps: ApiDeps;
let call: Gateway;
let owner: string;

beforeAll(async () => {
  const { client, tableName } = await createTestTable();
  deps = testDeps(client, tableName);
  call = gateway(deps);
  await createTeam(deps, TEAM);
  owner = (await createToken(deps, TEAM, { name: "owner", role: "owner" }, "admin", noReceipt)).token;
});

test("a created token works immediately, is shown once, and its secret is not stored", async () => {
  const body = { name: "nightly", role: "viewer", days: 7 };
  const created = await call<CreatedToken>("POST", path, { token: owner, body });
  expect(created.status).toBe(201);
  const days = (Date.parse(created.body.expires) - Date.parse(created.body.created)) / 86_400_000;
  expect(days).toBe(7);
  const secret = created.body.token;
  const list = await call<{ tokens: Token[] }>("GET", path, { token: secret });
  expect(list.status).toBe(403);
  expect((await call("GET", `/v1/teams/${TEAM}/studies`, { token: secret })).status).toBe(200);

  const items = await deps.store.query(`TEAM#${TEAM}`, " ", "~");
  const stored = JSON.stringify([
    ...items,
    await deps.store.get({ pk: `TOKEN#${created.body.id}`, sk: "OWNER" }),
  ]);
  expect(stored).toContain(created.body.id);
  expect(stored).not.toContain(secret.slice(-43));
});

test("a repeated creation with the same key makes no second token and shows no secret", async () => {
  const request = {
    token: owner,
    body: { name: "once", role: "worker" },
    headers: { "idempotency-key": "token" },
  };
  const first = await call<CreatedToken>("POST", path, request);
  const again = await call("POST", path, request);
  expect(again.body).toMatchObject({ status: 409, type: "shown-once", retry: false });
  expect(again.body.detail).toContain(first.body.id);
  expect(JSON.stringify(again.body)).not.toContain(first.body.token);
  const { body } = await call<{ tokens: Token[] }>("GET", path, { token: owner });
  expect(body.tokens.filter((token) => token.name === "once")).toHaveLength(1);
});

test("tokens are listed page by page without their secrets", async () => {
  const seen: string[] = [];
  let cursor: string | null = "";
  while (cursor !== null) {
    const query: string = `?limit=1${cursor && `&cursor=${cursor}`}`;
    const page: { body: { tokens: Token[]; cursor: string | null } } = await call("GET", `${path}${query}`, {
      token: owner,
    });
    for (const token of page.body.tokens) {
      expect(Object.keys(token).sort()).toEqual(
        "created expires formerExpires id lastUsed member name role study".split(" "),
      );
      seen.push(token.id);
    }
    cursor = page.body.cursor;
  }
  expect(seen.length).toBeGreaterThanOrEqual(3);
  expect(new Set(seen).size).toBe(seen.length);
});

test("a revoked token no longer exists, and revoking it again is a 404 except for a retry with the same key", async () => {
  const { body } = await call<CreatedToken>("POST", path, {
    token: owner,
    body: { name: "gone", role: "viewer" },
  });
  const headers = { "idempotency-key": "revoke" };
  const revoke = (request: object = {}) => call("DELETE", `${path}/${body.id}`, { token: owner, ...request });
  expect((await revoke({ headers })).status).toBe(204);
  expect((await revoke({ headers })).status).toBe(204);
  expect((await revoke()).body).toMatchObject({ status: 404, type: "not-found" });
  expect((await call("GET", `/v1/teams/${TEAM}/studies`, { token: body.token })).status).toBe(401);
  expect((await call("DELETE", `${path}/aaaaaaaaaaaa`, { token: owner })).status).toBe(404);
});

test.each([
  [{ name: "x y", role: "viewer" }, "/name"],
  [{ name: "test", role: "admin" }, "/role"],
  [{ name: "test", role: "viewer", days: 367 }, "/days"],
  [{ name: "test", role: "viewer", days: 0 }, "/days"],
  [{ name: "test", role: "viewer", hash: "0" }, "/hash"],
  [{ name: "test", role: "viewer", expires: "2099-01-01T00:00:00Z" }, "/expires"],
])("the token %j is a 422", async (body, pointer) => {
  const reply = await call("POST", path, { token: owner, body });
  expect([reply.status, reply.body.pointer]).toEqual([422, pointer]);
});

test("a team can be created only once", async () => {
  await expect(createTeam(deps, TEAM)).rejects.toMatchObject({ type: "conflict" });
  const orphan = createToken(deps, "nobody", { name: "test", role: "owner" }, "admin", noReceipt);
  await expect(orphan).rejects.toMatchObject({ type: "not-found" });
});
