import { readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import type { Problem } from "../../shared/schemas/problem.ts";
import type { Study } from "../../shared/schemas/study.ts";
import type { AddTrialsReply, AskReply, BestReply } from "../../shared/schemas/trial.ts";
import type { SpaceDefinition } from "../../shared/space/definition.ts";
import type { Params } from "../../shared/values.ts";
import { callerAs } from "../support/callers.ts";
import { createTestTable } from "../support/emulator.ts";
import { type Gateway, gateway } from "../support/gateway.ts";
import { TEAM, testDeps } from "../support/service.ts";

/** Every JSON example of docs/search-space.md goes through the API, and what the page says of it is checked. */

const page = readFileSync(join(import.meta.dirname, "../../docs/search-space.md"), "utf8");
const editor = callerAs("editor");
const base = `/v1/teams/${TEAM}/studies`;

type Json = Record<string, unknown>;

interface Section {
  readonly title: string;
  readonly blocks: readonly Json[];
}

const sections: readonly Section[] = page.split(/^#+ /m).flatMap((text) => {
  const [title = ""] = text.split("\n", 1);
  const blocks = Array.from(text.matchAll(/^```json\n(.*?)^```/gms), ([, json = ""]) => JSON.parse(json));
  return blocks.length > 0 ? [{ title, blocks }] : [];
});

/** The parts of a study that an example stands for: a space alone, or a space with its rules. */
const studyOf = (block: Json): Json | null => {
  if ("space" in block) return block;
  const isSpace = Object.values(block).every(
    (value) => typeof value === "object" && value !== null && "type" in value,
  );
  return isSpace ? { space: block } : null;
};

let call: Gateway;
beforeAll(async () => {
  const { client, tableName } = await createTestTable();
  call = gateway(testDeps(client, tableName));
});

const create = async (parts: Json) => {
  const created = await call<Study & Problem>("POST", base, {
    caller: editor,
    body: {
      name: "of-the-page",
      objectives: [{ metric: "loss", direction: "minimize" }],
      algorithm: { name: "random", seed: 1 },
      budget: { trials: 1000 },
      ...parts,
    },
  });
  return { ...created, path: `${base}/${created.body.study}` };
};

const ask = async (path: string, count: number): Promise<AskReply["trials"]> => {
  const { status, body } = await call<AskReply>("POST", `${path}/ask`, { caller: editor, body: { count } });
  expect(status).toBe(200);
  return body.trials;
};

/** Configurations of a new study; fewer than 300 if the space has no more. */
const sample = async (parts: Json): Promise<Params[]> => {
  const { status, body, path } = await create(parts);
  expect(body.errors ?? []).toEqual([]);
  expect(status).toBe(201);
  const all: Params[] = [];
  for (const count of [100, 100, 100]) all.push(...(await ask(path, count)).map(({ params }) => params));
  return all;
};

const share = (all: readonly Params[], holds: (params: Params) => boolean): number =>
  all.filter(holds).length / all.length;
const valuesOf = (all: readonly Params[], name: string): unknown[] => [
  ...new Set(all.map((params) => params[name])),
];
const between = (name: string, low: number, high: number) => (params: Params) =>
  Number(params[name]) >= low && Number(params[name]) <= high;
/** Both cases occur, and the parameter is there in one and absent in the other. */
const expectActiveOnly = (all: readonly Params[], name: string, when: (params: Params) => boolean) => {
  expect(new Set(all.map(when))).toEqual(new Set([true, false]));
  expect(all.filter((params) => Object.hasOwn(params, name) !== when(params))).toEqual([]);
};
/** What the text calls two thirds, half or three quarters, as far as 300 draws show it. */
const NEAR = 0.1;
const expectShare = (found: number, said: number) => expect(Math.abs(found - said)).toBeLessThan(NEAR);

/** What the text says of the example of a section, by the section's title. */
const claims: Readonly<Record<string, (all: readonly Params[]) => void>> = {
  "Search spaces": (all) => expectActiveOnly(all, "momentum", ({ optimizer }) => optimizer === "sgd"),
  float: (all) => expect(share(all, between("dropout", 0, 0.5))).toBe(1),
  int: (all) => expect(valuesOf(all, "layers").sort()).toEqual([1, 2, 3, 4, 5, 6, 7, 8]),
  categorical: (all) => expect(new Set(valuesOf(all, "class_weight"))).toEqual(new Set(["balanced", null])),
  ordinal: (all) => expect(valuesOf(all, "size").sort()).toEqual(["large", "medium", "small"]),
  Scale: (all) => {
    expectShare(
      share(all, ({ lr }) => Number(lr) < 0.01),
      0.5,
    );
    expectShare(
      share(all, ({ momentum }) => Number(momentum) > 0.99),
      0.5,
    );
    expect(all.every(({ units }) => Number.isInteger(units))).toBe(true);
  },
  Step: (all) => {
    expect(valuesOf(all, "dropout").sort()).toEqual([0, 0.1, 0.2, 0.3, 0.4, 0.5]);
    expect(all.every(({ batch }) => Number(batch) % 32 === 0)).toBe(true);
  },
  Points: (all) => expect(share(all, between("C", 0.01, 10))).toBe(1),
  "When the parent has one of these values": (all) =>
    expectActiveOnly(all, "momentum", ({ optimizer }) => optimizer === "sgd" || optimizer === "rmsprop"),
  "When the parent is in a range": (all) =>
    expectActiveOnly(all, "units2", ({ layers }) => Number(layers) >= 2),
  Nested: (all) => {
    expectActiveOnly(all, "kernel", ({ model }) => model === "svm");
    expectActiveOnly(all, "degree", ({ kernel }) => kernel === "poly");
    expectActiveOnly(all, "trees", ({ model }) => model === "forest");
  },
  "Several parents": (all) => {
    expectActiveOnly(all, "warmup", ({ optimizer, lr }) => optimizer === "adam" && Number(lr) >= 0.01);
    expect(share(all, ({ optimizer, lr }) => optimizer === "adam" && Number(lr) < 0.01)).toBeGreaterThan(0);
    expect(share(all, ({ optimizer, lr }) => optimizer === "sgd" && Number(lr) >= 0.01)).toBeGreaterThan(0);
  },
  Uniform: (all) => expectShare(share(all, between("x", 0, 0.5)), 0.5),
  Normal: (all) => expectShare(share(all, between("dropout", 0.2, 0.4)), 2 / 3),
  "Normal on a log scale": (all) => expectShare(share(all, between("lr", 0.0006, 0.0017)), 2 / 3),
  Beta: (all) => {
    const mean = all.reduce((sum, { subsample }) => sum + Number(subsample), 0) / all.length;
    expectShare(mean, 0.8);
  },
  Weights: (all) =>
    expectShare(
      share(all, ({ optimizer }) => optimizer === "adam"),
      0.75,
    ),
  "Linear constraints": (all) => {
    const broken = all.filter(
      ({ a, b, c }) => Number(a) + Number(b) + Number(c) > 1 + 1e-9 || Number(c) < Number(a),
    );
    expect(broken).toEqual([]);
  },
  "Forbidden combinations": (all) => {
    const has = (wanted: Params) => (params: Params) =>
      Object.entries(wanted).every(([name, value]) => params[name] === value);
    expect(all.filter(has({ optimizer: "sgd", batch: 512 }))).toEqual([]);
    expect(all.filter(has({ optimizer: "lbfgs", penalty: "l1" }))).toEqual([]);
    expect(all.some(has({ optimizer: "sgd", batch: 256 }))).toBe(true);
    expect(all.some(has({ optimizer: "lbfgs", penalty: "l2" }))).toBe(true);
  },
  "What a configuration looks like": (all) =>
    expectActiveOnly(all, "momentum", ({ optimizer }) => optimizer === "sgd"),
};

const spaceSections = sections.flatMap(({ title, blocks }) =>
  blocks.flatMap((block) => {
    const study = studyOf(block);
    return study === null ? [] : [{ title, study }];
  }),
);

/** The study to which the page's own trials and configurations belong. */
const shown = spaceSections.find(({ title }) => title === "What a configuration looks like")?.study ?? {};

test("every section with a space is checked, and every check has its section", () => {
  expect(spaceSections.map(({ title }) => title).sort()).toEqual(Object.keys(claims).sort());
});

test.each(spaceSections)(
  "$title: the space is accepted, and its trials are as the text says",
  async ({ title, study }) => {
    claims[title]?.(await sample(study));
  },
);

const find = (wanted: string): readonly Json[] =>
  sections.find(({ title }) => title.startsWith(wanted))?.blocks ?? [];

test("the grid of the example under Points has the configurations that the text lists", async () => {
  const [space] = find("Points");
  const all = await sample({ space, algorithm: { name: "grid" } });
  expect(all).toHaveLength(8);
  const values = [...new Set(all.map(({ C }) => Number(C).toPrecision(6)))].map(Number);
  expect(values.sort((a, b) => a - b)).toEqual([0.01, 0.1, 1, 10]);
});

test("the configurations shown are configurations of the space above them", async () => {
  const configurations = find("What a configuration").filter((block) => studyOf(block) === null);
  expect(configurations).toHaveLength(2);
  const { path } = await create(shown);
  const body = { trials: configurations.map((params) => ({ params })) };
  const added = await call<AddTrialsReply>("POST", `${path}/trials`, { caller: editor, body });
  expect(added.status).toBe(201);
  expect((await ask(path, 2)).map(({ params }) => params)).toEqual(configurations);
});

describe("the page's own trials", () => {
  const add = async (title: string) => {
    const [body] = find(title) as [{ trials: { params: Params; values?: Json }[] }];
    const { path } = await create({ ...shown, budget: { trials: 2 } });
    const added = await call<AddTrialsReply>("POST", `${path}/trials`, { caller: editor, body });
    expect(added.status).toBe(201);
    return { path, trials: body.trials, added: added.body.trials };
  };

  test("enqueued ones are handed out first, and count towards the budget", async () => {
    const { path, trials, added } = await add("Enqueue");
    expect(added.map(({ state }) => state)).toEqual(["queued", "queued"]);
    const asked = await ask(path, 3);
    expect(asked.map(({ params }) => params)).toEqual(trials.map(({ params }) => params));
    expect(asked.map(({ algorithm }) => algorithm)).toEqual(["enqueue", "enqueue"]);
  });

  test("imported ones are finished, can be the best, and do not count towards the budget", async () => {
    const { path, trials, added } = await add("Import");
    expect(added.map(({ state }) => state)).toEqual(["completed", "failed"]);
    const best = await call<BestReply>("GET", `${path}/best`, { caller: editor });
    expect(best.body.trials).toEqual([{ number: 0, ...trials[0] }]);
    expect(await ask(path, 3)).toHaveLength(2);
  });
});

test("a space that breaks a rule is answered with the pointer and the sentence that the page quotes", async () => {
  const quoted = /For `(\{.*?\})` it points at `(.*?)`:\s+"(.*?)"/s.exec(page);
  const [, space = "", pointer, detail] = quoted ?? [];
  const { status, body } = await create({ space: JSON.parse(space) });
  expect([status, body.pointer, body.detail]).toEqual([422, pointer, detail]);
});

test("a study whose constraints leave no configuration is refused", async () => {
  const space = { a: { type: "int", low: 0, high: 1 } };
  const forbidden = [{ a: 0 }, { a: 1 }];
  expect((await create({ space, forbidden })).status).toBe(422);
});

const x = { type: "float", low: 0, high: 1 };
const many = (count: number) => Array.from({ length: count }, (_, i) => i);
const named = (count: number) => Object.fromEntries(many(count).map((i) => [`x${i}`, x]));
const limits: readonly [what: string, fits: (good: boolean) => Json][] = [
  ["1 to 64 letters", (good) => ({ space: { ["n".repeat(good ? 64 : 65)]: x } })],
  ["1 to 1,000 parameters", (good) => ({ space: named(good ? 1000 : 1001) })],
  [
    "1 to 1,000 choices",
    (good) => ({ space: { c: { type: "categorical", choices: many(good ? 1000 : 1001) } } }),
  ],
  [
    "256 characters a string",
    (good) => ({ space: { c: { type: "categorical", choices: ["s".repeat(good ? 256 : 257)] } } }),
  ],
  ["points to 10,000", (good) => ({ space: { x: { ...x, points: good ? 10_000 : 10_001 } } })],
  [
    "beta from 0.01",
    (good) => ({ space: { x: { ...x, prior: { type: "beta", alpha: good ? 0.01 : 0.009, beta: 1 } } } }),
  ],
  [
    "100 constraints",
    (good) => ({ space: { x }, constraints: many(good ? 100 : 101).map(() => ({ x: 1, max: 1 })) }),
  ],
  [
    "1,000 forbidden combinations",
    (good) => ({
      space: { n: { type: "int", low: 0, high: 2000 } },
      forbidden: many(good ? 1000 : 1001).map((n) => ({ n })),
    }),
  ],
];

test.each(limits)("the limit holds: %s", async (_, fits) => {
  expect((await create(fits(true))).status).toBe(201);
  expect((await create(fits(false))).status).toBe(422);
});

/** A space of the page, to show that the examples are read at all. */
test("the page shows every type of parameter", () => {
  const types = spaceSections.flatMap(({ study }) =>
    Object.values(study.space as SpaceDefinition).map(({ type }) => type),
  );
  expect([...new Set(types)].sort()).toEqual(["categorical", "float", "int", "ordinal"]);
});
