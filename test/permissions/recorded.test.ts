import { BatchClient, DescribeJobsCommand } from "@aws-sdk/client-batch";
import { SFNClient } from "@aws-sdk/client-sfn";
import { beforeAll, expect, inject, test } from "vitest";
import { lambdas } from "../../infra/bundles.ts";
import { LABEL } from "../../infra/machines/parts.ts";
import { BASE_PATH, routes } from "../../shared/api/routes.ts";
import { synthesizeBoth } from "../infra/synthesize.ts";
import { physicalIds, rootAccess } from "../support/deployed.ts";
import { noteExecutions } from "../support/recorder/executions.ts";
import { largest, limits, oversized } from "../support/recorder/limits.ts";
import type { Need, Note } from "../support/recorder/note.ts";
import { readNotes } from "../support/recorder/server.ts";
import { Deployment } from "./deployment.ts";
import { actsOfLambdas, asResourceTags, refused, tagsOfJobs, unreadable, unused } from "./replay.ts";
import type { Act } from "./services.ts";

/**
 * Runs after the tests of the deployed stack, with the calls that were recorded: would AWS have allowed all of them with the
 * deployed policies, and accepted their payloads?
 */

const stack = inject("stack");
if (stack === undefined)
  throw new Error("Run it with the tests of the stack: --project stack --project recorded");

let notes: readonly Note[];
let acts: readonly Act[];
let deployment: Deployment;

beforeAll(async () => {
  const { brackets = "", halving = "", folds = "", fold = "", generations = "" } = stack.outputs;
  const client = new SFNClient(rootAccess());
  const machines = [
    ...[brackets, halving, `${halving}/${LABEL}`, folds, fold],
    ...[generations, `${generations}/${LABEL}`],
  ];
  const executions = (await Promise.all(machines.map((arn) => noteExecutions(client, arn)))).flat();
  const all = readNotes(stack.record);
  notes = [...all.filter((note) => note.kind !== "call" || !note.byTest), ...executions];
  deployment = new Deployment(synthesizeBoth().core, await physicalIds());
  // Those of jobs that tests submitted, too, and of those that no reply named before they were ended.
  const known = tagsOfJobs(all);
  const tags = new Map([...known, ...(await tagsInBatch(jobsEnded(notes).filter((arn) => !known.has(arn))))]);
  acts = actsOfLambdas(deployment, notes, tags);
});

/** The ARNs of all jobs that were ended by a call. */
const jobsEnded = (of: readonly Note[]): string[] => [
  ...new Set(
    of
      .flatMap((note) => (note.kind === "call" ? (note.needs ?? []) : []))
      .flatMap(({ action, resource }) => (action === "batch:TerminateJob" ? [resource] : [])),
  ),
];

/** The tags that Batch itself has of these jobs, by their ARNs, as IAM names them. */
const tagsInBatch = async (arns: readonly string[]): Promise<[string, NonNullable<Need["context"]>][]> => {
  if (arns.length === 0) return [];
  const client = new BatchClient({ ...rootAccess(), endpoint: stack.batch });
  const ids = new Map(arns.map((arn) => [arn.slice(arn.lastIndexOf("/") + 1), arn]));
  const { jobs = [] } = await client.send(new DescribeJobsCommand({ jobs: [...ids.keys()] }));
  return jobs.flatMap(({ jobId, tags = {} }) => {
    const arn = ids.get(jobId ?? "");
    return arn === undefined ? [] : [[arn, asResourceTags(tags)]];
  });
};

test("calls of every Lambda were recorded, and the needs of every call are known", () => {
  const seen = new Set(notes.flatMap((note) => (note.kind === "call" && note.lambda ? [note.lambda] : [])));
  expect([...seen].sort()).toEqual([...lambdas].sort());
  expect(unreadable(notes)).toEqual([]);
});

test("every call of a Lambda is allowed by the policies for AWS", async () => {
  expect(await refused(deployment, acts)).toEqual([]);
});

test("the emulator, which enforces the roles, denied nothing", () => {
  const denied = notes.filter(
    (note) => note.kind === "call" && /AccessDenied|NotAuthorized/.test(note.error ?? ""),
  );
  expect(denied).toEqual([]);
});

// A permission that cannot be used in the emulator would have to be listed here, with its reason. There is none.
test("every permission of a role was used", () => {
  expect(unused(deployment, acts)).toEqual([]);
});

test("every route was called successfully", () => {
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

test("no payload was larger than AWS accepts", () => {
  expect(oversized(notes)).toEqual([]);
  // A limit without any measured payload would be met by accident.
  expect(Object.keys(largest(notes)).sort()).toEqual(Object.keys(limits).sort());
});
