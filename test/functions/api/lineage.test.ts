import { beforeAll, expect, test } from "vitest";
import type { Problem } from "../../../shared/schemas/problem.ts";
import type { Study } from "../../../shared/schemas/study.ts";
import type { AskReply, LineageReply, Trial, TrialPage } from "../../../shared/schemas/trial.ts";
import { memoryWorld } from "../../support/batch.ts";
import { callerAs } from "../../support/callers.ts";
import { type Gateway, gateway } from "../../support/gateway.ts";
import { nestedCv, studyBody, TEAM } from "../../support/service.ts";

const caller = callerAs("editor");
const base = `/v1/teams/${TEAM}/studies`;

let call: Gateway;
beforeAll(async () => {
  call = gateway((await memoryWorld()).deps);
});

const create = async (change: object): Promise<string> => {
  const { body } = await call<Study>("POST", base, { caller, body: studyBody(change) });
  return `${base}/${body.study}`;
};
const get = async <T>(path: string): Promise<T> => (await call<T>("GET", path, { caller })).body;

/** Works until nothing is handed out; each trial is a little better than the one before. */
const work = async (study: string): Promise<void> => {
  for (let n = 1; ; n++) {
    const { trials } = (await call<AskReply>("POST", `${study}/ask`, { caller, body: {} })).body;
    const [trial] = trials;
    if (trial === undefined) return;
    const body = { attempt: trial.attempt, values: { accuracy: n / 100 }, checkpoint: `s3://own/${n}` };
    await call("POST", `${study}/trials/${trial.number}/tell`, { caller, body });
  }
};

test("an export says what each segment goes on from, at which step, and how far it ran", async () => {
  const study = await create({
    algorithm: { name: "pbt", population: 2, seed: 1 },
    scheduler: { resource: { name: "epoch", min: 5, max: 15 } },
    budget: { trials: 6 },
  });
  await work(study);
  const { trials } = await get<TrialPage>(`${study}/trials`);
  const [header = "", ...rows] = (await get<string>(`${study}/export?format=csv`)).trim().split("\r\n");
  const columns = header.split(",");
  const cellsOf = (row: string) =>
    ["parent", "resumesAt", "resource"].map((name) => row.split(",")[columns.indexOf(name)]);
  expect(rows.map(cellsOf)).toEqual(
    trials.map(({ parent, resumesAt, resource }) => [parent ?? "", resumesAt, resource].map(String)),
  );

  const { trials: lineage } = await get<LineageReply>(`${study}/lineage`);
  expect(lineage.map(({ from, to }) => [from, to])).toEqual([
    [0, 5],
    [5, 10],
    [10, 15],
  ]);
  lineage.forEach(({ number, from }, i) => {
    expect(trials[number]).toMatchObject({ parent: lineage[i - 1]?.number ?? null, resumesAt: from });
  });
});

test("trials that are no segments have no such columns", async () => {
  const study = await create({ budget: { trials: 1 } });
  await work(study);
  expect((await get<string>(`${study}/export?format=csv`)).split("\r\n")[0]).not.toMatch(
    /parent|resumesAt|resource/,
  );
});

test("in nested cross-validation the lineage of a trial is that trial, of a search or a refit", async () => {
  const study = await create({ budget: { trials: 2 }, evaluation: nestedCv });
  await work(study);
  const { trials } = await get<TrialPage>(`${study}/trials`);
  expect(new Set(trials.map(({ split }) => split?.phase))).toEqual(new Set(["search", "refit"]));
  const alone = ({ number, params, values }: Trial) => ({
    trials: [{ number, params, values, from: null, to: null }],
  });
  for (const trial of trials)
    expect(await get(`${study}/lineage?trial=${trial.number}`)).toEqual(alone(trial));
});

test("nested cross-validation has no best trial to give the lineage of, and says what to ask for", async () => {
  const study = await create({ budget: { trials: 2 }, evaluation: nestedCv });
  const { status, body } = await call<Problem>("GET", `${study}/lineage`, { caller });
  expect(status).toBe(422);
  expect(body).toMatchObject({ pointer: "/trial", detail: expect.stringContaining("?trial=4") });
  const unknown = await call<Problem>("GET", `${study}/lineage?trial=999`, { caller });
  expect(unknown).toMatchObject({ status: 404, body: { detail: expect.stringContaining("999") } });
});
