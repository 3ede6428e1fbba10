import { SFNClient } from "@aws-sdk/client-sfn";
import { beforeAll, expect, inject, test } from "vitest";
import { lambdas } from "../../infra/bundles.ts";
import { BASE_PATH, routes } from "../../shared/api/routes.ts";
import { synthesizeBoth } from "../infra/synthesize.ts";
import { physicalIds, rootAccess } from "../support/deployed.ts";
import { noteExecutions } from "../support/recorder/executions.ts";
import { largest, limits, oversized } from "../support/recorder/limits.ts";
import type { Note } from "../support/recorder/note.ts";
import { readNotes } from "../support/recorder/server.ts";
import { Deployment } from "./deployment.ts";
import { actsOfLambdas, refused, unreadable, unused } from "./replay.ts";

/**
 * Runs after the tests of the deployed stack, on what was recorded while they ran: would AWS have allowed all of it, with
 * the policies that are deployed there, and taken all of it?
 */

const stack = inject("stack");
if (stack === undefined)
  throw new Error("Run it with the tests of the stack: --project stack --project recorded");

let notes: readonly Note[];
let deployment: Deployment;

beforeAll(async () => {
  const executions = await noteExecutions(new SFNClient(rootAccess()), stack.outputs.halving ?? "");
  const seen = readNotes(stack.record).filter((note) => note.kind !== "call" || !note.byTest);
  notes = [...seen, ...executions];
  deployment = new Deployment(synthesizeBoth().core, await physicalIds());
});

test("every Lambda was seen at work, and every call can be judged", () => {
  const seen = new Set(notes.flatMap((note) => (note.kind === "call" && note.lambda ? [note.lambda] : [])));
  expect([...seen].sort()).toEqual([...lambdas].sort());
  expect(unreadable(notes)).toEqual([]);
});

test("what a Lambda did is allowed by the policies that AWS would be given", async () => {
  expect(await refused(deployment, actsOfLambdas(deployment, notes))).toEqual([]);
});

test("the emulator, which enforces the roles, denied nothing", () => {
  const denied = notes.filter(
    (note) => note.kind === "call" && /AccessDenied|NotAuthorized/.test(note.error ?? ""),
  );
  expect(denied).toEqual([]);
});

// A right that the emulator gives no occasion to use would have to be listed here, with its reason. There is none.
test("every right that a role has was used", () => {
  expect(unused(deployment, actsOfLambdas(deployment, notes))).toEqual([]);
});

test("every route was called with success", () => {
  const asked = new Set(
    notes.flatMap((note) =>
      note.kind === "request" && note.status < 300 ? [`${note.method} ${note.path}`] : [],
    ),
  );
  const missing = Object.entries(routes).filter(([, { method, path }]) => {
    const form = `${BASE_PATH}${path}`.replace(/\{\w+\}/g, "[^/]+");
    return ![...asked].some((call) => new RegExp(`^${method} ${form}$`).test(call));
  });
  expect(missing.map(([name]) => name)).toEqual([]);
});

test("no payload was beyond what AWS takes", () => {
  expect(oversized(notes)).toEqual([]);
  // A limit that nothing was held against would be met by chance.
  expect(Object.keys(largest(notes)).sort()).toEqual(Object.keys(limits).sort());
});
