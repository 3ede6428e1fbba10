import * as z from "zod";
import type { ProblemType } from "../errors.ts";
import * as audit from "../schemas/audit.ts";
import * as credentials from "../schemas/credentials.ts";
import * as grant from "../schemas/grant.ts";
import * as member from "../schemas/member.ts";
import { Problem } from "../schemas/problem.ts";
import * as study from "../schemas/study.ts";
import * as team from "../schemas/team.ts";
import * as token from "../schemas/token.ts";
import * as trial from "../schemas/trial.ts";
import * as space from "../space/definition.ts";
import * as values from "../values.ts";
import { examples } from "./examples.ts";
import { problems } from "./problems.ts";
import {
  BASE_PATH,
  HEALTH_PATH,
  isKeyed,
  pathParameters,
  problemsOf,
  type Route,
  type RouteName,
  routes,
} from "./routes.ts";

/** The API as an OpenAPI 3.1 document, made of the table of routes and the schemas; nothing is said twice. */

type Json = { readonly [key: string]: unknown };

const VERSION_PREFIX = "/v1";

export const openApi = (): Json => ({
  openapi: "3.1.0",
  info: {
    title: "Hone",
    version: "1",
    summary: "Hyperparameter tuning as a service.",
    description: INTRODUCTION,
    license: { name: "Apache 2.0", identifier: "Apache-2.0" },
  },
  servers: [
    {
      url: "https://{api}.execute-api.{region}.amazonaws.com/v1",
      description: "Your deployment: the stack's output ApiUrl.",
      variables: { api: { default: "abcdef1234" }, region: { default: "us-east-1" } },
    },
  ],
  security: [{ bearer: [] }],
  tags: Object.entries(TAGS).map(([name, description]) => ({ name, description })),
  paths: { ...pathItems(), [HEALTH_PATH.slice(VERSION_PREFIX.length)]: { get: health() } },
  components: {
    securitySchemes: {
      bearer: {
        type: "http",
        scheme: "bearer",
        description: "`Authorization: Bearer hone_...`: a team's token, or the token of a trial's container.",
      },
    },
    parameters: { IdempotencyKey: idempotencyKey },
    headers: { RetryAfter: retryAfter },
    schemas: componentSchemas(),
  },
});

const INTRODUCTION = [
  "Ask for trials, tell their results. Errors are `application/problem+json` with a stable `type`.",
  "Any write may carry an `Idempotency-Key`: the same key and body gives the same answer for 24 hours.",
  'What API Gateway answers itself has another form, `{"message": "..."}`: 429 when it holds callers back, 413 above 10 MB, and',
  "500 or 503 when a Lambda cannot be called.",
  "Numbers are IEEE doubles and come back as they were sent, except that -0 comes back as 0.",
].join("\n");

const TAGS = {
  Studies: "One optimisation problem each.",
  Trials: "One configuration under evaluation each.",
  "Batch executor": "Hone runs the trials itself, on AWS Batch.",
  Sweeps: "A study template on a schedule each.",
  Access: "Members, grants and tokens: who may do what.",
  Audit: "Who did what.",
  Team: "What the team may spend, and its end.",
  "AWS credentials": "For requests that are signed (SigV4), below `/iam/v1`.",
} as const;

const BATCH_ROUTES: ReadonlySet<RouteName> = new Set(["start", "stop", "claim"]);

const tagOf = (name: RouteName, path: string): keyof typeof TAGS => {
  if (BATCH_ROUTES.has(name)) return "Batch executor";
  if (/^\/(tokens|members|grants)/.test(path)) return "Access";
  if (path.startsWith("/sweeps")) return "Sweeps";
  if (path.startsWith("/audit")) return "Audit";
  if (path.startsWith("/budget") || path === "/team") return "Team";
  if (name === "createCredentials") return "AWS credentials";
  return /^\/studies(\/\{study\})?$/.test(path) ? "Studies" : "Trials";
};

const idempotencyKey: Json = {
  name: "Idempotency-Key",
  in: "header",
  required: false,
  description: "1 to 255 visible ASCII characters; names this request, so that it may be repeated.",
  schema: { type: "string", minLength: 1, maxLength: 255, pattern: "^[!-~]+$" },
};

const retryAfter: Json = {
  description: "Seconds to wait before trying again.",
  schema: { type: "integer", minimum: 0 },
};

const health = (): Json => ({
  operationId: "health",
  summary: "Whether the API is up; the one route without a token.",
  tags: ["Studies"],
  security: [],
  responses: {
    200: {
      description: "It is.",
      content: {
        "application/json": {
          schema: { type: "object", properties: { status: { const: "ok" } }, required: ["status"] },
        },
      },
    },
    429: { description: "API Gateway holds callers back." },
    500: problemResponse(["internal"]),
  },
});

/** No components: queries, which are told parameter by parameter, and a second name of ReportReply. */
const INLINE = /Query$|^(PageOf|Cursor|Limit|HeartbeatReply)$/;

/** What a module exports of schemas, by name. */
const onlySchemas = (module: object): Record<string, z.ZodType> =>
  Object.fromEntries(
    Object.entries(module)
      .filter(([name, value]) => value instanceof z.ZodType && !INLINE.test(name))
      .sort(([one], [other]) => (one < other ? -1 : 1)),
  );

/** Schemas that stand under components, by the name of their export. */
const named: Readonly<Record<string, z.ZodType>> = {
  ...onlySchemas(values),
  ...onlySchemas(space),
  ...onlySchemas(study),
  ...onlySchemas(trial),
  ...onlySchemas(token),
  ...onlySchemas(member),
  ...onlySchemas(grant),
  ...onlySchemas(audit),
  ...onlySchemas(team),
  ...onlySchemas(credentials),
  Problem,
};

const schemaUri = (name: string) => `#/components/schemas/${name}`;

const componentSchemas = (): Json => {
  const registry = z.registry<{ id: string }>();
  const seen = new Set<z.ZodType>();
  for (const [id, schema] of Object.entries(named)) {
    if (!seen.has(schema)) registry.add(schema, { id });
    seen.add(schema);
  }
  const { schemas } = z.toJSONSchema(registry, { uri: schemaUri });
  return Object.fromEntries(Object.entries(schemas).map(([id, schema]) => [id, plain(schema)]));
};

/** Without what only a schema file of its own would need. */
const plain = ({ $schema: _schema, $id: _id, ...schema }: Json): Json => schema;

const reference = (schema: z.ZodType): Json => {
  const found = Object.entries(named).find(([, candidate]) => candidate === schema);
  return found === undefined ? plain(z.toJSONSchema(schema)) : { $ref: schemaUri(found[0]) };
};

const pathItems = (): Json => {
  const items: Record<string, Record<string, Json>> = {};
  for (const [name, route] of Object.entries(routes) as [RouteName, Route][]) {
    const path = `${BASE_PATH.slice(VERSION_PREFIX.length)}${route.path}`;
    items[path] = { ...items[path], [route.method.toLowerCase()]: operation(name, route, path) };
  }
  return items;
};

const operation = (name: RouteName, route: Route, path: string): Json => ({
  operationId: name,
  summary: route.summary,
  description: `Action: \`${route.action}\`.`,
  tags: [tagOf(name, route.path)],
  parameters: [
    ...pathParametersOf(path),
    ...queryParametersOf(route),
    ...(isKeyed(route) ? [{ $ref: "#/components/parameters/IdempotencyKey" }] : []),
  ],
  ...(route.body && {
    requestBody: {
      required: route.bodyOptional !== true,
      content: { "application/json": content(route.body, examples[name]?.body) },
    },
  }),
  responses: { [route.status]: success(name, route), ...problemResponses(route) },
});

const content = (schema: z.ZodType, example: unknown): Json => ({
  schema: reference(schema),
  ...(example !== undefined && { example }),
});

const pathParametersOf = (path: string): Json[] =>
  [...path.matchAll(/\{(\w+)\}/g)].map(([, name = ""]) => ({
    name,
    in: "path",
    required: true,
    schema: reference(pathParameters[name as keyof typeof pathParameters]),
  }));

const queryParametersOf = ({ query }: Route): Json[] =>
  query instanceof z.ZodObject
    ? Object.entries(query.shape).map(([name, schema]) => ({
        name,
        in: "query",
        required: false,
        schema: plain(z.toJSONSchema(schema as z.ZodType)),
      }))
    : [];

const CSV = [
  "One row per trial, one column per parameter (`params.lr`) and per metric (`values.loss`). An empty cell: the trial has none.",
  "Where trials are segments of longer runs, `parent` is the trial that one goes on from, and it ran from `resumesAt` to `resource`.",
  "A text that would be read as a number, `true`, `false` or `null`, or as a formula, or that is empty, has a `'` before it.",
].join(" ");

const success = (name: RouteName, route: Route): Json => {
  if (route.reply === null) return { description: "Done." };
  return {
    description: route.status === 201 ? "Created." : "Done.",
    ...(name === "createStudy" && {
      headers: { Location: { description: "The study's path.", schema: { type: "string" } } },
    }),
    ...(name === "exportTrials" && {
      headers: {
        Link: {
          description: "The next page of CSV, with rel=next; absent on the last one.",
          schema: { type: "string" },
        },
      },
    }),
    content: {
      "application/json": content(route.reply, examples[name]?.reply),
      ...(name === "exportTrials" && { "text/csv": { schema: { type: "string", description: CSV } } }),
    },
  };
};

const problemResponses = (route: Route): Json => {
  const byStatus: Record<number, ProblemType[]> = {};
  for (const type of problemsOf(route)) {
    const { status } = problems[type];
    byStatus[status] = [...(byStatus[status] ?? []), type];
  }
  return Object.fromEntries(
    Object.entries(byStatus).map(([status, same]) => [status, problemResponse(same)]),
  );
};

const problemResponse = (types: readonly ProblemType[]): Json => {
  const mayRetry = types.some((type) => problems[type].retry);
  return {
    description: types.map((type) => `\`${type}\`: ${problems[type].title}.`).join(" "),
    ...(mayRetry && { headers: { "Retry-After": { $ref: "#/components/headers/RetryAfter" } } }),
    content: { "application/problem+json": { schema: { $ref: schemaUri("Problem") } } },
  };
};
