import { beforeAll, expect, test } from "vitest";
import type { Problem } from "../../../shared/schemas/problem.ts";
import type { Study, StudyPage } from "../../../shared/schemas/study.ts";
import type {
  AskReply,
  BestReply,
  TellReply,
  TrialDetail,
  TrialPage,
} from "../../../shared/schemas/trial.ts";
import { type World, worldOn } from "../../support/batch.ts";
import { callerAs } from "../../support/callers.ts";
import { createTestTable } from "../../support/emulator.ts";
import { type Gateway, gateway } from "../../support/gateway.ts";
import { nestedCv, studyBody, TEAM } from "../../support/service.ts";

const editor = callerAs("editor");
const base = `/v1/teams/${TEAM}/studies`;

let call: Gateway;
let world: World;
let table: Awaited<ReturnType<typeof createTestTable>>;
beforeAll(async () => {
  table = await createTestTable();
  world = await worldOn(table.client, table.tableName);
  call = gateway(world.deps);
});

const nestedBody = (change: object = {}) =>
  studyBody({ name: "nested", budget: { trials: 3 }, evaluation: nestedCv, ...change });
const create = async (change: object = {}) =>
  (await call<Study>("POST", base, { caller: editor, body: nestedBody(change) })).body.study;
const get = async <T>(path: string) => (await call<T>("GET", `${base}/${path}`, { caller: editor })).body;
const post = <T>(path: string, body: object = {}, headers: Record<string, string> = {}) =>
  call<T>("POST", `${base}/${path}`, { caller: editor, body, headers });
const ask = async (study: string, body: object = {}, headers: Record<string, string> = {}) =>
  (await post<AskReply>(`${study}/ask`, body, headers)).body;
const tell = (study: string, { number, attempt }: AskReply["trials"][number], accuracy: number) =>
  post<TellReply & Problem>(`${study}/trials/${number}/tell`, { attempt, values: { accuracy } });

/** Works until nothing is handed out. The inner scores rise with the trial; a refit scores `outer` of its fold. */
const work = async (study: string, outer: readonly number[]) => {
  const phases: string[] = [];
  for (let n = 0; ; n++) {
    const { trials, state } = await ask(study);
    const [trial] = trials;
    if (trial?.split === undefined) return { phases, state };
    const { phase, outer: fold } = trial.split;
    phases.push(`${phase} ${fold}`);
    const { body } = await tell(study, trial, phase === "refit" ? (outer[fold] ?? 0) : 0.5 + n / 100);
    expect(body).toEqual({ number: trial.number, state: "completed" });
  }
};

test("each outer fold is searched, its winner refitted, and the outer scores are the result", async () => {
  const study = await create();
  const { phases, state } = await work(study, [0.4, 0.5]);
  expect(state).toBe("finished");
  expect(phases.filter((phase) => phase === "search 0")).toHaveLength(3);
  expect(phases.filter((phase) => phase === "search 1")).toHaveLength(3);
  expect(phases.filter((phase) => phase.startsWith("refit")).sort()).toEqual(["refit 0", "refit 1"]);
  for (const fold of [0, 1]) {
    expect(phases.indexOf(`refit ${fold}`)).toBeGreaterThan(phases.lastIndexOf(`search ${fold}`));
  }

  const shown = await get<Study>(study);
  expect(shown).toMatchObject({ state: "finished", trials: { completed: 8, running: 0 } });
  const folds = shown.nested?.folds ?? [];
  expect(folds).toMatchObject([
    { repeat: 0, outer: 0, state: "completed", trials: 3, outerScore: 0.4 },
    { repeat: 0, outer: 1, state: "completed", trials: 3, outerScore: 0.5 },
  ]);
  const inner = folds.map(({ innerScore }) => innerScore ?? Number.NaN);
  const innerMean = (inner[0]! + inner[1]!) / 2;
  expect(shown.nested).toMatchObject({ scored: 2, mean: 0.45 });
  expect(shown.nested?.sd).toBeCloseTo(0.1 / Math.SQRT2, 12);
  // Of two folds: one half for two scores, and as many test as training samples.
  expect(shown.nested?.standardError).toBeCloseTo((0.1 / Math.SQRT2) * Math.sqrt(1.5), 12);
  expect(shown.nested?.gap).toBeCloseTo(innerMean - 0.45, 12);

  // The winner is the best trial of its fold's search, and its refit has its configuration.
  const { trials } = await get<TrialPage>(`${study}/trials`);
  expect(trials.map(({ number }) => number)).toEqual(
    [...trials.map(({ number }) => number)].sort((a, b) => a - b),
  );
  expect(new Set(trials.map(({ number }) => number)).size).toBe(8);
  const winners = await get<BestReply>(`${study}/best`);
  for (const { outer, winner, refit, innerScore } of folds) {
    const searched = trials.filter(({ split }) => split?.phase === "search" && split.outer === outer);
    expect(innerScore).toBe(Math.max(...searched.map(({ values }) => values?.accuracy ?? 0)));
    const won = searched.find(({ number }) => number === winner);
    const again = await get<TrialDetail>(`${study}/trials/${refit}`);
    expect(again).toMatchObject({ number: refit, params: won?.params, split: { phase: "refit", outer } });
    expect(winners.trials).toContainEqual(expect.objectContaining({ number: winner, params: won?.params }));
  }
  const csv = await call<string>("GET", `${base}/${study}/export?format=csv`, { caller: editor });
  const [header, ...rows] = String(csv.body).trim().split("\r\n");
  expect(header).toMatch(
    /^number,state,attempt,split\.phase,split\.repeat,split\.outer,split\.inner,params\.C/,
  );
  expect(rows.filter((row) => row.includes(",refit,"))).toHaveLength(2);
});

test("the split says all that a client needs to rebuild its indices", async () => {
  const labels = "a".repeat(64);
  const outer = { kind: "stratified", folds: 3, repeats: 2 };
  const study = await create({ evaluation: { ...nestedCv, outer, seed: 7, labels }, budget: { trials: 1 } });
  const { trials } = await ask(study, { count: 6 });
  expect(trials.map(({ split }) => `${split?.repeat} ${split?.outer}`).sort()).toEqual([
    "0 0",
    "0 1",
    "0 2",
    "1 0",
    "1 1",
    "1 2",
  ]);
  expect(trials[0]?.split).toMatchObject({
    phase: "search",
    inner: null,
    kind: "stratified",
    samples: 100,
    folds: { outer: 3, inner: 3 },
    seed: 7,
    labels,
  });
});

test("each inner fold of a configuration is a trial of its own, and the winner has the best mean over them", async () => {
  const study = await create({ evaluation: { ...nestedCv, inner: { folds: 3 } }, budget: { trials: 6 } });
  const means = new Map<number, number[]>();
  for (;;) {
    const [trial] = (await ask(study)).trials;
    if (trial?.split === undefined) break;
    const { phase, inner } = trial.split;
    if (phase === "refit") {
      expect([inner, trial.configuration]).toEqual([null, undefined]);
      await tell(study, trial, 0.5);
      continue;
    }
    const configuration = trial.configuration ?? -1;
    const scores = means.get(configuration) ?? [];
    expect(inner).toBe(scores.length);
    means.set(configuration, [...scores, (trial.number % 7) / 10 + scores.length]);
    await tell(study, trial, means.get(configuration)?.at(-1) ?? 0);
  }
  // Two configurations of three trials in each of two folds.
  expect([...means.values()].map((scores) => scores.length)).toEqual([3, 3, 3, 3]);
  const mean = (scores: readonly number[] = []) => scores.reduce((sum, score) => sum + score / 3, 0);
  const shown = await get<Study>(study);
  expect(shown).toMatchObject({ state: "finished", trials: { completed: 14 } });
  const { trials } = await get<TrialPage>(`${study}/trials`);
  for (const { outer, winner, innerScore, refit } of shown.nested?.folds ?? []) {
    const searched = trials.filter(({ split }) => split?.phase === "search" && split.outer === outer);
    const best = Math.max(...searched.map(({ configuration }) => mean(means.get(configuration ?? -1))));
    expect(innerScore).toBeCloseTo(best, 12);
    expect(mean(means.get(winner ?? -1))).toBeCloseTo(best, 12);
    const won = trials.find(({ number }) => number === winner);
    expect(trials.find(({ number }) => number === refit)?.params).toEqual(won?.params);
  }
  const csv = String((await call("GET", `${base}/${study}/export?format=csv`, { caller: editor })).body);
  expect(csv).toMatch(/,search,0,[01],[012],/);
});

test("asks go to the fold that has handed out least, and no search has more trials than the budget", async () => {
  const study = await create({ budget: { trials: 4 } });
  const first = await ask(study, { count: 6 });
  const of = (trials: AskReply["trials"], outer: number) =>
    trials.filter(({ split }) => split?.outer === outer).length;
  expect([of(first.trials, 0), of(first.trials, 1)]).toEqual([3, 3]);
  const second = await ask(study, { count: 9 });
  expect([of(second.trials, 0), of(second.trials, 1)]).toEqual([1, 1]);
  expect(await ask(study)).toMatchObject({ trials: [], state: "running", retryAfter: expect.any(Number) });
});

test("a worker that asks again gets its own trials back first, wherever they are", async () => {
  const study = await create();
  const own = (await ask(study, { worker: "w1", count: 2 })).trials;
  expect(new Set(own.map(({ split }) => split?.outer)).size).toBe(2);
  await ask(study, { worker: "w2" });
  const again = (await ask(study, { worker: "w1", count: 2 })).trials;
  const numbers = (trials: AskReply["trials"]) => trials.map(({ number }) => number).sort();
  expect(numbers(again)).toEqual(numbers(own));
  // A refit, too.
  const single = await create({ budget: { trials: 1 } });
  for (const trial of (await ask(single, { count: 2 })).trials) await tell(single, trial, 0.5);
  const [refit] = (await ask(single, { worker: "w1" })).trials;
  expect(refit?.split?.phase).toBe("refit");
  expect((await ask(single, { worker: "w1" })).trials).toMatchObject([{ number: refit?.number, attempt: 1 }]);
});

test("a repeated ask with the same key leases nothing twice", async () => {
  const study = await create();
  const headers = { "idempotency-key": "ask-once" };
  const first = await ask(study, { count: 4 }, headers);
  expect(first.trials).toHaveLength(4);
  expect(await ask(study, { count: 4 }, headers)).toEqual(first);
  expect((await get<Study>(study)).trials.running).toBe(4);
  expect((await post(`${study}/ask`, { count: 3 }, headers)).body).toMatchObject({ type: "key-reuse" });
});

test("many workers at once get each trial once, and each fold one refit", async () => {
  const study = await create({ budget: { trials: 5 } });
  const told = new Set<number>();
  const worker = async (name: string) => {
    const deps = (await worldOn(table.client, table.tableName)).deps;
    const own = gateway(deps);
    const say = <T>(path: string, body: object) =>
      own<T>("POST", `${base}/${study}/${path}`, { caller: editor, body });
    for (let idle = 0; idle < 40; ) {
      const { body } = await say<AskReply>("ask", { worker: name });
      if (body.state === "finished") return;
      const [trial] = body.trials;
      if (trial === undefined) {
        idle++;
        await new Promise((resolve) => setTimeout(resolve, 5));
        continue;
      }
      const { status } = await say(`trials/${trial.number}/tell`, {
        attempt: trial.attempt,
        values: { accuracy: Math.random() },
      });
      expect(status).toBe(200);
      expect(told.has(trial.number)).toBe(false);
      told.add(trial.number);
    }
  };
  await Promise.all(["a", "b", "c", "d"].map(worker));
  expect(await get<Study>(study)).toMatchObject({ state: "finished", trials: { completed: 12, running: 0 } });
  expect(told.size).toBe(12);
});

test("errors name the trial as the caller knows it", async () => {
  const study = await create();
  const [trial] = (await ask(study, { count: 2 })).trials.slice(1);
  if (trial === undefined) throw new Error("no trial");
  const { number } = trial;
  await tell(study, trial, 0.5);
  expect((await tell(study, trial, 0.5)).body).toEqual({ number, state: "completed" });
  expect((await tell(study, trial, 0.6)).body).toMatchObject({
    type: "already-told",
    detail: expect.stringContaining(`Trial ${number} `),
  });
  expect((await tell(study, { ...trial, attempt: 2 }, 0.5)).body).toMatchObject({
    type: "stale-attempt",
    detail: expect.stringContaining(`Trial ${number} `),
  });
  expect((await tell(study, { ...trial, number: number + 40 }, 0.5)).body).toMatchObject({
    type: "trial-not-found",
    detail: expect.stringContaining(`no trial ${number + 40} `),
  });
});

test("a refit that fails is tried as often as one that is lost; then its fold has no score, and the others have", async () => {
  const study = await create({ budget: { trials: 1 }, lease: { seconds: 60, maxAttempts: 2 } });
  for (const trial of (await ask(study, { count: 2 })).trials) await tell(study, trial, 0.9);
  const refits = (await ask(study, { count: 2 })).trials;
  const [bad, good] = refits;
  if (bad === undefined || good === undefined) throw new Error("no refits");
  await tell(study, good, 0.8);
  const fail = (attempt: number) =>
    post<TellReply>(`${study}/trials/${bad.number}/tell`, { attempt, failed: { reason: "out of memory" } });
  expect((await fail(1)).body.state).toBe("queued");
  expect((await ask(study)).trials).toMatchObject([
    { number: bad.number, attempt: 2, split: { phase: "refit" } },
  ]);
  expect((await fail(2)).body.state).toBe("failed");
  const shown = await get<Study>(study);
  expect(shown.state).toBe("finished");
  expect(shown.nested).toMatchObject({ scored: 1, mean: 0.8, sd: null, standardError: null });
  expect(shown.nested?.folds[bad.split?.outer ?? 0]).toMatchObject({ state: "failed", outerScore: null });
  expect(shown.message).toContain("Of 2 outer folds 1 has no outer score");
});

test("a search without any result fails its fold, and the study still ends", async () => {
  const study = await create({ budget: { trials: 1 } });
  for (const trial of (await ask(study, { count: 2 })).trials) {
    if (trial.split?.outer === 0) await tell(study, trial, 0.9);
    else await post(`${study}/trials/${trial.number}/tell`, { attempt: 1, failed: { reason: "no" } });
  }
  const { phases, state } = await work(study, [0.7, 0]);
  expect([phases, state]).toEqual([["refit 0"], "finished"]);
});

test("a scheduler stops trials of each search by its own rungs, and a refit runs to the end", async () => {
  const scheduler = { name: "asha", resource: { name: "epoch", min: 1, max: 9 }, eta: 3 };
  const study = await create({ scheduler, budget: { trials: 6 } });
  let refits = 0;
  for (;;) {
    const { trials, state } = await ask(study);
    const [trial] = trials;
    if (trial === undefined) {
      expect(state).toBe("finished");
      break;
    }
    if (trial.split?.phase === "refit") {
      expect(trial.resource).toBe(9);
      refits++;
    }
    let decision = "continue";
    for (let step = 1; step <= (trial.resource ?? 0) && decision === "continue"; step++) {
      const values = { accuracy: 0.9 - trial.number / 100 + step / 1000 };
      const report = { attempt: trial.attempt, step, values };
      decision = (await post<{ decision: string }>(`${study}/trials/${trial.number}/report`, report)).body
        .decision;
    }
    if (decision === "continue") await tell(study, trial, 0.9);
  }
  const shown = await get<Study>(study);
  expect(refits).toBe(2);
  expect(shown.trials.pruned).toBeGreaterThan(0);
  expect(shown.nested?.folds).toMatchObject([{ state: "completed" }, { state: "completed" }]);
});

test("more trials for a finished study mean another search, and another refit only for another winner", async () => {
  const study = await create({ budget: { trials: 1 } });
  await work(study, [0.4, 0.5]);
  const extended = await call<Study>("PATCH", `${base}/${study}`, {
    caller: editor,
    body: { budget: { trials: 2 } },
  });
  expect(extended.body).toMatchObject({ state: "running", budget: { trials: 2 } });
  const { trials } = await ask(study, { count: 2 });
  // The first fold gets a better configuration, the second a worse one.
  for (const trial of trials) await tell(study, trial, trial.split?.outer === 0 ? 0.99 : 0.01);
  const { phases, state } = await work(study, [0.6, 0]);
  expect([phases, state]).toEqual([["refit 0"], "finished"]);
  expect((await get<Study>(study)).nested?.folds).toMatchObject([
    { innerScore: 0.99, outerScore: 0.6 },
    { outerScore: 0.5 },
  ]);
  const fewer = { caller: editor, body: { budget: { trials: 1 } } };
  expect((await call("PATCH", `${base}/${study}`, fewer)).body).toMatchObject({ type: "budget-spent" });
});

test("a paused study gives workers only what they have", async () => {
  const study = await create();
  const own = (await ask(study, { worker: "w1" })).trials;
  const patch = (state: string) =>
    call<Study>("PATCH", `${base}/${study}`, { caller: editor, body: { state } });
  expect((await patch("paused")).body.state).toBe("paused");
  expect(await ask(study)).toMatchObject({ trials: [], state: "paused" });
  expect((await ask(study, { worker: "w1", count: 2 })).trials).toMatchObject([{ number: own[0]?.number }]);
  expect((await patch("running")).body.state).toBe("running");
  expect((await ask(study)).trials).toHaveLength(1);
});

test("it is listed once, with the trials of all parts", async () => {
  const study = await create({ name: "listed-nested", budget: { trials: 2 } });
  await work(study, [0.4, 0.5]);
  await world.reconcile();
  await get(study);
  const { studies } = (await call<StudyPage>("GET", base, { caller: editor })).body;
  const listed = studies.filter(({ name }) => name === "listed-nested");
  expect(listed).toMatchObject([{ study, budget: { trials: 6 }, trials: { completed: 6 } }]);
});

test("it is listed as finished after its workers have died, although nobody asks or reads", async () => {
  const lease = { seconds: 600, maxAttempts: 1 };
  const study = await create({ name: "dead-nested", budget: { trials: 1 }, lease });
  await ask(study, { count: 2 });
  world.clock.now += 300_000;
  await world.reconcile();
  world.clock.now += 301_000;
  await world.reconcile();
  const { studies } = (await call<StudyPage>("GET", base, { caller: editor })).body;
  expect(studies.find((one) => one.study === study)).toMatchObject({
    state: "finished",
    trials: { failed: 2, running: 0 },
  });
});

test("a deleted study is gone with its parts, for whoever works on them too", async () => {
  const study = await create();
  const { trials } = await ask(study, { count: 2 });
  expect((await call("DELETE", `${base}/${study}`, { caller: editor })).status).toBe(204);
  const gone = { type: "study-not-found", detail: `There is no study ${study} in this team.` };
  expect((await post(`${study}/ask`)).body).toMatchObject(gone);
  expect((await tell(study, trials[0]!, 0.5)).body).toMatchObject(gone);
});

test("what nested cross-validation cannot be is refused, with the field", async () => {
  const refused = async (change: object) =>
    (await call<Problem>("POST", base, { caller: editor, body: nestedBody(change) })).body;
  const evaluation = (change: object) => ({ evaluation: { ...nestedCv, ...change } });
  expect(await refused(evaluation({ outer: { folds: 10, repeats: 5 } }))).toMatchObject({
    pointer: "/evaluation/outer/repeats",
    detail: "50 outer folds over all repeats; at most 40. Lower the folds or the repeats.",
  });
  expect(await refused(evaluation({ outer: { kind: "time-series", folds: 3, repeats: 2 } }))).toMatchObject({
    pointer: "/evaluation/outer/repeats",
  });
  expect(
    await refused(evaluation({ samples: 5, outer: { folds: 2 }, inner: { folds: 4, together: true } })),
  ).toMatchObject({
    pointer: "/evaluation/samples",
  });
  const second = { metric: "ms", direction: "minimize" };
  const objectives = [{ metric: "accuracy", direction: "maximize" }, second];
  expect(await refused({ objectives })).toMatchObject({ pointer: "/objectives" });
  const scheduler = { name: "asha", resource: { name: "epoch", min: 1, max: 9 } };
  expect(await refused({ ...evaluation({ inner: { folds: 3 } }), scheduler })).toMatchObject({
    pointer: "/scheduler",
    detail: expect.stringContaining("evaluation.inner.together"),
  });
  const pbt = { algorithm: { name: "pbt" }, scheduler: { resource: { name: "epoch", min: 1, max: 9 } } };
  expect(await refused(pbt)).toMatchObject({ pointer: "/scheduler" });
  expect(await refused(evaluation({ inner: { folds: 4 } }))).toMatchObject({ pointer: "/budget/trials" });
  expect(await refused(evaluation({ labels: "abc" }))).toMatchObject({ pointer: "/evaluation/labels" });
});
