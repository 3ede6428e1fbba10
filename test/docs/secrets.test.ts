import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { Executor } from "../../shared/schemas/study.ts";
import { checkVariables } from "../../shared/study/secrets.ts";
import { specOf } from "../support/study.ts";

const page = readFileSync(new URL("../../docs/secrets.md", import.meta.url), "utf8");

test("the study on the page on secrets is one that the API takes from the team that it names", () => {
  const [, json = ""] = /^```json\n(.*?)^```/ms.exec(page) ?? [];
  const executor = Executor.parse(JSON.parse(json).executor);
  expect(checkVariables(specOf({ team: "acme", executor }))).toEqual([]);
  const named = executor.type === "batch" ? Object.values(executor.secrets ?? {}) : [];
  for (const reference of named) {
    const name = "parameter" in reference ? reference.parameter : reference.secretsManager;
    expect(page).toContain(`--name ${name} `);
  }
});
