import { expect, test } from "vitest";
import * as z from "zod";
import { changedFields } from "../../../functions/middleware/changed-fields.ts";
import { CreateStudyBody } from "../../../shared/schemas/study.ts";
import { Id } from "../../../shared/values.ts";
import { studyBody } from "../../support/service.ts";

const SECRET = "hunter2";

test("values are told where the schema leaves no room for a text", () => {
  const schema = z.strictObject({
    state: z.enum(["on", "off"]).optional(),
    count: z.int(),
    ratio: z.number().nullable(),
    yes: z.boolean().default(true),
    kind: z.literal("one"),
    study: Id.optional().meta({ description: "an id" }),
    inner: z.strictObject({ most: z.int(), note: z.string() }).optional(),
  });
  const inner = { most: 3, note: SECRET };
  const body = { state: "on", count: 2, ratio: null, yes: false, kind: "one", study: "svm-1", inner };
  expect(changedFields(schema, body)).toEqual([
    "state=on",
    "count=2",
    "ratio=null",
    "yes=false",
    "kind=one",
    "study=svm-1",
    "inner.most=3",
    "inner.note",
  ]);
});

test("a text, a list, a map and a choice between objects are named alone, and so is a value of the wrong type", () => {
  const schema = z.strictObject({
    text: z.string(),
    either: z.union([z.string(), z.number()]),
    list: z.array(z.string()),
    map: z.record(z.string(), z.string()),
    one: z.discriminatedUnion("type", [z.strictObject({ type: z.literal("a"), secret: z.string() })]),
    count: z.int(),
    id: Id,
  });
  const body = {
    text: SECRET,
    either: SECRET,
    list: [SECRET],
    map: { [SECRET]: SECRET },
    one: { type: "a", secret: SECRET },
    count: SECRET,
    id: `${SECRET} ${SECRET}`,
    [SECRET]: SECRET,
  };
  expect(changedFields(schema, body)).toEqual(["text", "either", "list", "map", "one", "count", "id"]);
  for (const odd of [SECRET, [SECRET], null, 7]) expect(changedFields(schema, odd)).toEqual([]);
});

test("of a study everything but texts, and nothing of its parameters", () => {
  const executor = {
    type: "batch" as const,
    image: SECRET,
    command: [SECRET],
    environment: { [SECRET]: SECRET },
  };
  const body = studyBody({ executor, space: { [SECRET]: { type: "float", low: 0, high: 1 } } });
  const fields = changedFields(CreateStudyBody, body);
  expect(fields).toEqual([
    "name=svm-digits",
    "space",
    "objectives",
    "algorithm",
    "budget.trials=40",
    "executor",
  ]);
});
