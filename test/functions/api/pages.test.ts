import { isDeepStrictEqual } from "node:util";
import { expect, test } from "vitest";
import type { Reply } from "../../../functions/api/handler.ts";
import { toReply } from "../../../functions/api/reply.ts";
import { routes } from "../../../shared/api/routes.ts";
import type { Study } from "../../../shared/schemas/study.ts";
import type { AddTrialsBody, BestReply, TrialDetail, TrialPage } from "../../../shared/schemas/trial.ts";
import { loadStudy } from "../../../shared/service/core/load.ts";
import { addTrials } from "../../../shared/service/trials/add.ts";
import { changeHead, findHead } from "../../../shared/store/head.ts";
import { newReport } from "../../../shared/store/report.ts";
import { newTrial, type TrialItem } from "../../../shared/store/trial.ts";
import { callerAs } from "../../support/callers.ts";
import { gateway } from "../../support/gateway.ts";
import { createMemoryTable } from "../../support/memory-table/client.ts";
import { noReceipt, studyBody, TEAM, testDeps } from "../../support/service.ts";
import { NOON, trialOf } from "../../support/study.ts";

/** Answers larger than a Lambda's reply may be, through HTTP. */

/** What a Lambda may reply, and what a body takes of it: there it is a JSON string, so each quote is two bytes. */
const MOST = 6 * 1024 * 1024;
const inReply = (body: string) => Buffer.byteLength(JSON.stringify(body));

const editor = callerAs("editor");
const base = `/v1/teams/${TEAM}/studies`;
const { client, tableName } = createMemoryTable();
const deps = testDeps(client, tableName);
const call = gateway(deps);

const create = async (change: object = {}) =>
  (await call<Study>("POST", base, { caller: editor, body: studyBody(change) })).body;

/** All pages of a list, which the API ends where an answer would be too large. */
const allPages = async <T extends { cursor?: string | null }>(
  path: string,
  most = Number.POSITIVE_INFINITY,
): Promise<T[]> => {
  const pages: T[] = [];
  for (
    let cursor: string | null | undefined = "";
    cursor != null && pages.length < most;
    cursor = pages.at(-1)?.cursor
  ) {
    const url = `${path}${cursor === "" ? "" : `${path.includes("?") ? "&" : "?"}cursor=${cursor}`}`;
    const { status, body } = await call<T>("GET", url, { caller: editor });
    expect(status).toBe(200);
    expect(inReply(JSON.stringify(body))).toBeLessThan(MOST);
    pages.push(body);
  }
  return pages;
};

/** All pages of CSV: the header row that they share, and the rows. */
const allRows = async (path: string): Promise<{ header: string; rows: string[]; pages: number }> => {
  const parts: string[][] = [];
  for (let url = `${path}/export?format=csv`; url !== ""; ) {
    const { status, body, headers } = await call<string>("GET", url, { caller: editor });
    expect(status).toBe(200);
    expect(inReply(body)).toBeLessThan(MOST);
    parts.push(body.trimEnd().split("\r\n"));
    url = /^<(.*)>; rel="next"$/.exec(headers.link ?? "")?.[1] ?? "";
  }
  const [header = ""] = parts[0] ?? [];
  for (const part of parts) expect(part[0]).toBe(header);
  return { header, rows: parts.flatMap((part) => part.slice(1)), pages: parts.length };
};

/** Imports 500 trials at a time: as large as they may be, which takes many bodies over HTTP. */
const importAll = async (study: string, trials: AddTrialsBody["trials"]) => {
  const loaded = await loadStudy(deps, TEAM, study);
  for (let i = 0; i < trials.length; i += 500) {
    await addTrials(deps, loaded, { trials: trials.slice(i, i + 500) }, noReceipt);
  }
};

/** As if these trials of a study had been told; they stay in the tail. */
const tellAll = async (study: string, trials: readonly Pick<TrialItem, "params" | "values">[]) => {
  const head = (await findHead(deps.store, study))!;
  const { space } = await loadStudy(deps, TEAM, study);
  const items = trials.map((trial, number) =>
    newTrial(space, trialOf({ study, number, state: "completed", finished: NOON, ...trial })),
  );
  for (let i = 0; i < items.length; i += 20) await deps.store.transact(items.slice(i, i + 20));
  await deps.store.update(changeHead(head, { next: items.length }));
};

test("10,000 trials of 12 parameters are listed and exported through HTTP, as JSON and as CSV", async () => {
  const count = 10_000;
  const names = Array.from({ length: 12 }, (_, i) => `parameter-${i}`);
  const space = Object.fromEntries(names.map((name) => [name, { type: "float", low: 0, high: 1 }]));
  const { study } = await create({ space });
  const value = (i: number, j: number) => ((i + 1) * (j + 1) * Math.SQRT2) % 1;
  const trials = Array.from({ length: count }, (_, i) => ({
    params: Object.fromEntries(names.map((name, j) => [name, value(i, j)])),
    values: { accuracy: value(i, 12) },
  }));
  await importAll(study, trials);
  const path = `${base}/${study}`;
  const exported = await allPages<TrialPage>(`${path}/export`);
  expect(exported.length).toBeGreaterThan(1);
  const all = exported.flatMap((page) => page.trials);
  expect(all.map(({ number }) => number)).toEqual(trials.map((_, i) => i));
  expect(all[count - 1]).toMatchObject(trials[count - 1]!);
  const listed = await allPages<TrialPage>(`${path}/trials?limit=1000`);
  expect(
    isDeepStrictEqual(
      listed.flatMap((page) => page.trials),
      all,
    ),
  ).toBe(true);
  const { header, rows } = await allRows(path);
  expect(rows.map((row) => row.split(",")[0])).toEqual(trials.map((_, i) => String(i)));
  const column = header.split(",").indexOf("params.parameter-7");
  expect(rows.map((row) => Number(row.split(",")[column]))).toEqual(trials.map((_, i) => value(i, 7)));
});

test("trials of a hundred short texts, a quarter of which is quotes, fit what a Lambda may reply", async () => {
  const texts = Object.fromEntries(
    Array.from({ length: 100 }, (_, i) => [`p${i}`, { type: "categorical", choices: ["relu", "tanh"] }]),
  );
  const { study } = await create({ space: texts });
  const params = Object.fromEntries(Object.keys(texts).map((name) => [name, "relu"]));
  await tellAll(
    study,
    Array.from({ length: 4000 }, (_, i) => ({ params, values: { accuracy: i } })),
  );
  const exported = await allPages<TrialPage>(`${base}/${study}/export`);
  expect(exported.length).toBeGreaterThan(1);
  expect(exported.flatMap((page) => page.trials)).toHaveLength(4000);
});

test("200 trials of 3,000 metrics are listed, read and exported through HTTP, as JSON and as CSV", async () => {
  const { study } = await create({ space: { x: { type: "float", low: 0, high: 1 } } });
  // Half of the metrics are those of every trial, the others only of every other trial.
  const metrics = (i: number) =>
    Object.fromEntries(
      Array.from({ length: 2999 }, (_, j) => [`metric-${j < 1500 ? j : j + 1500 * (i % 2)}`, i + j / 4]),
    );
  const trials = Array.from({ length: 200 }, (_, i) => ({
    params: { x: i / 200 },
    values: { accuracy: 0.5, ...metrics(i) },
  }));
  await tellAll(study, trials);
  const path = `${base}/${study}`;
  const [first] = await allPages<TrialPage>(`${path}/trials?limit=100`, 1);
  expect(first?.trials.length).toBeGreaterThan(50);
  expect(first?.trials.length).toBeLessThan(100);
  const exported = await allPages<TrialPage>(`${path}/export`);
  const all = exported.flatMap((page) => page.trials.map(({ number, values }) => [number, values]));
  expect(
    isDeepStrictEqual(
      all,
      trials.map(({ values }, i) => [i, values]),
    ),
  ).toBe(true);
  const { header, rows, pages } = await allRows(path);
  expect(pages).toBeGreaterThan(1);
  const metricNames = new Set(trials.flatMap(({ values }) => Object.keys(values)));
  expect(header.split(",")).toHaveLength(3 + 1 + metricNames.size + 7);
  const column = header.split(",").indexOf("values.metric-4000");
  expect(rows.map((row) => row.split(",")[column])).toEqual(
    trials.map(({ values }) => String((values as Record<string, number>)["metric-4000"] ?? "")),
  );
});

test("a learning curve and a Pareto set that are too large for one answer are read in pages", async () => {
  const { study } = await create({
    space: Object.fromEntries(
      ["w", "x", "y", "z"].map((name) => [name, { type: "categorical", choices: ["x".repeat(256), "y"] }]),
    ),
    objectives: [
      { metric: "a", direction: "minimize" },
      { metric: "b", direction: "minimize" },
    ],
  });
  const path = `${base}/${study}`;
  await call("POST", `${path}/ask`, { caller: editor });
  const metrics = Object.fromEntries(
    Array.from({ length: 800 }, (_, j) => [`metric-${j}`.padEnd(64, "-"), j / 7]),
  );
  const steps = Array.from({ length: 80 }, (_, i) => i / 4);
  const trial = trialOf({ study, number: 0 });
  for (const step of steps) await deps.store.transact([newReport(trial, step, metrics, NOON)]);
  const curve = await allPages<TrialDetail>(`${path}/trials/0`);
  expect(curve.length).toBeGreaterThan(1);
  expect(curve.flatMap(({ reports }) => reports.map(({ step }) => step))).toEqual(steps);

  // Each is better than its neighbours in one objective and worse in the other.
  const front = Array.from({ length: 5000 }, (_, i) => ({
    params: { w: "x".repeat(256), x: "x".repeat(256), y: "x".repeat(256), z: "x".repeat(256) },
    values: { a: i, b: -i, c: 1 / 3 },
  }));
  await importAll(study, front);
  const best = await allPages<BestReply>(`${path}/best`);
  expect(best.length).toBeGreaterThan(1);
  expect(best.flatMap(({ trials }) => trials.map(({ number }) => number))).toEqual(
    front.map((_, i) => i + 1),
  );
  expect((await call<Study>("GET", path, { caller: editor })).body.best).toHaveLength(100);
});

test("an answer that cannot be divided is refused with what helps", () => {
  const body = { trials: Array.from({ length: 90 }, () => ({ params: "x".repeat(70_000) })) };
  expect(() => toReply(routes.ask, { body } as unknown as Reply<"ask">, "")).toThrow("a smaller `count`");
});
