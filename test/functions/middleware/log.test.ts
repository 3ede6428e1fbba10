import { expect, test } from "vitest";
import type { Study } from "../../../shared/schemas/study.ts";
import { createTeam } from "../../../shared/service/access/teams.ts";
import { createToken } from "../../../shared/service/access/tokens.ts";
import { callerAs } from "../../support/callers.ts";
import { createTestTable } from "../../support/emulator.ts";
import { gateway, logLines } from "../../support/gateway.ts";
import { noReceipt, studyBody, TEAM, testDeps } from "../../support/service.ts";

const CANARY = "canary-7f3a";

test("each request writes one line in each Lambda, without the caller's input or identity", async () => {
  const { client, tableName } = await createTestTable();
  const deps = testDeps(client, tableName);
  const call = gateway(deps);
  await createTeam(deps, TEAM);
  const { id, token } = await createToken(deps, TEAM, { name: "owner", role: "owner" }, "admin", noReceipt);
  logLines.length = 0;
  const space = { [CANARY]: { type: "categorical", choices: [CANARY, "b"] } };
  const base = `/v1/teams/${TEAM}/studies`;
  const send = (method: string, path: string, body?: unknown) =>
    call<Study>(method, path, { token, body, headers: { "idempotency-key": `${CANARY}-${path}` } });

  const { study } = (await send("POST", base, studyBody({ space: space as never }))).body;
  await send("POST", `${base}/${study}/ask`, { worker: CANARY });
  await send("POST", `${base}/${study}/trials/0/report`, {
    attempt: 1,
    step: 1,
    values: { [CANARY]: 1234.5 },
  });
  await send("POST", `${base}/${study}/trials/0/tell`, { attempt: 1, failed: { reason: CANARY } });
  await send("POST", `${base}/${study}/trials`, `{"${CANARY}": NaN}`);
  await send("POST", `${base}/${study}/trials`, { [CANARY]: CANARY });
  await send("GET", `${base}/${study}/trials?cursor=${CANARY}`);
  await send("GET", `/v1/teams/${TEAM}/${CANARY}`);
  await call("GET", base, { token: `hone_${CANARY}` });
  await send("GET", base);

  const text = logLines.join("\n");
  const lines = logLines.map((line) => JSON.parse(line));
  const requests = lines.filter((line) => line.event === "request");
  expect(requests).toHaveLength(10);
  // What no route matches does not pass the authorizer.
  expect(lines.filter((line) => line.event === "authorize")).toHaveLength(9);
  expect(lines).toHaveLength(19);
  expect(text).not.toContain(CANARY);
  expect(text).not.toContain("1234.5");
  expect(text).not.toContain(token);
  expect(text).not.toContain(id);
  const [created, , , , invalid] = requests;
  expect(created).toEqual({
    level: "INFO",
    timestamp: expect.any(String),
    event: "request",
    requestId: expect.any(String),
    route: "createStudy",
    status: 201,
    ms: expect.any(Number),
    caller: expect.stringMatching(/^[0-9a-f]{12}$/),
    team: TEAM,
    study: "",
  });
  expect(invalid).toMatchObject({ route: "addTrials", status: 400, study });
});

test("an internal error is logged with the request id, and the caller gets no details", async () => {
  const client = { send: () => Promise.reject(new TypeError("the inner truth")) };
  const call = gateway(testDeps(client as never, "table"));
  logLines.length = 0;
  const caller = callerAs("owner");
  const { status, body } = await call("GET", `/v1/teams/${TEAM}/studies`, { caller });
  expect([status, body.type]).toEqual([500, "internal"]);
  expect(JSON.stringify(body)).not.toContain("truth");
  const fault = logLines.map((line) => JSON.parse(line)).find((line) => line.event === "fault");
  expect(fault).toMatchObject({ level: "ERROR", requestId: body.requestId });
  expect(fault.error).toContain("TypeError: the inner truth");
});
