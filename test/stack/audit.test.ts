import { expect, test } from "vitest";
import type { AuditExport, AuditLine, AuditPage } from "../../shared/schemas/audit.ts";
import type { Study } from "../../shared/schemas/study.ts";
import { deployed } from "../support/deployed.ts";

/** The audit trail of the deployed stack: over HTTP, and exported to the emulator's bucket with real signatures. */

const { call } = deployed();

test("what is changed can be read, and downloaded as a month of JSON lines", async () => {
  const created = await call<Study>("POST", "/studies", {
    name: "audited",
    space: { x: { type: "float", low: 0, high: 1 } },
    objectives: [{ metric: "loss", direction: "minimize" }],
    budget: { trials: 1 },
  });
  const { study } = created.body;
  await call("PATCH", `/studies/${study}`, { state: "paused" });
  const { lines } = (await call<AuditPage>("GET", `/audit?study=${study}`)).body;
  expect(lines.map(({ route, fields }) => [route, fields.at(-1)])).toEqual([
    ["patchStudy", "state=paused"],
    ["createStudy", "budget.trials=1"],
  ]);
  expect(lines[0]).toMatchObject({ who: { kind: "token" }, address: expect.stringMatching(/\d/) });

  const month = lines[0]?.time.slice(0, 7);
  const { status, body } = await call<AuditExport>("POST", "/audit/export", { month });
  expect(status).toBe(200);
  const text = await (await fetch(body.url)).text();
  const exported = text
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as AuditLine);
  expect(exported).toHaveLength(body.lines);
  expect(exported).toEqual(expect.arrayContaining(lines));
});
