import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { examples } from "../../../shared/api/examples.ts";
import { openApi } from "../../../shared/api/openapi.ts";
import { isKeyed, problemsOf, type Route, type RouteName, routes } from "../../../shared/api/routes.ts";

interface Operation {
  readonly operationId: string;
  readonly parameters: readonly { readonly name?: string; readonly in?: string; readonly $ref?: string }[];
  readonly responses: Readonly<Record<string, { readonly description: string }>>;
}

const committed = JSON.parse(readFileSync("docs/openapi.json", "utf8"));
const table = Object.entries(routes) as [RouteName, Route][];
const operationOf = (route: Route): Operation =>
  committed.paths[`/teams/{team}${route.path}`][route.method.toLowerCase()];

test("docs/openapi.json is what `npm run openapi` would write", () => {
  expect(committed).toEqual(JSON.parse(JSON.stringify(openApi())));
});

test("the document is valid OpenAPI, without a warning", () => {
  const { status, stderr, stdout } = spawnSync("node_modules/.bin/redocly", ["lint", "--format=summary"], {
    encoding: "utf8",
    env: { ...process.env, REDOCLY_TELEMETRY: "off", REDOCLY_SUPPRESS_UPDATE_NOTICE: "true" },
  });
  expect(`${stdout}${stderr}`).not.toMatch(/warning|error/i);
  expect(status).toBe(0);
});

test("the linter does find faults", () => {
  const broken = JSON.stringify({ ...openApi(), paths: { "/x": { get: { responses: {} } } } });
  const { status } = spawnSync("node_modules/.bin/redocly", ["lint", "/dev/stdin"], {
    input: broken,
    env: { ...process.env, REDOCLY_TELEMETRY: "off" },
  });
  expect(status).not.toBe(0);
});

test.each(table)("%s is documented with its parameters, answers and problems", (name, route) => {
  const operation = operationOf(route);
  expect(operation.operationId).toBe(name);
  const inPath = operation.parameters.filter((parameter) => parameter.in === "path").map(({ name }) => name);
  expect(inPath).toEqual([...`{team}${route.path}`.matchAll(/\{(\w+)\}/g)].map(([, parameter]) => parameter));
  const key = operation.parameters.some((parameter) => parameter.$ref?.endsWith("/IdempotencyKey"));
  expect(key).toBe(isKeyed(route));
  expect(operation.responses).toHaveProperty(String(route.status));
  const told = Object.values(operation.responses).map(({ description }) => description);
  for (const type of problemsOf(route)) expect(told.join()).toContain(`\`${type}\``);
});

test("nothing is documented that is not in the table", () => {
  const operations = Object.values(committed.paths as Record<string, object>).flatMap(Object.keys);
  expect(operations).toHaveLength(table.length + 1);
});

test.each(Object.entries(examples))("the examples of %s fit its schemas", (name, { body, reply }) => {
  const route: Route = routes[name as RouteName];
  if (body !== undefined) expect(route.body?.parse(body)).toEqual(body);
  if (reply !== undefined) expect(route.reply?.parse(reply)).toEqual(reply);
});
