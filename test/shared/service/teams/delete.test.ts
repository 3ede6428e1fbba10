import fc from "fast-check";
import { expect, test } from "vitest";
import { createRandom } from "../../../../shared/numerics/random.ts";
import { exportAudit } from "../../../../shared/service/access/audit.ts";
import { createTeam } from "../../../../shared/service/access/teams.ts";
import { createToken, deleteToken } from "../../../../shared/service/access/tokens.ts";
import { startStudy } from "../../../../shared/service/batch/start.ts";
import { loadStudy } from "../../../../shared/service/core/load.ts";
import { reconcile } from "../../../../shared/service/repair/reconcile.ts";
import { createStudy } from "../../../../shared/service/studies/create.ts";
import { deleteStudy, SETTLED_MS } from "../../../../shared/service/studies/delete.ts";
import { patchStudy } from "../../../../shared/service/studies/patch.ts";
import { createSweep } from "../../../../shared/service/sweeps/create.ts";
import { patchSweep } from "../../../../shared/service/sweeps/patch.ts";
import { runSweep } from "../../../../shared/service/sweeps/run.ts";
import {
  continueTeamDeletion,
  deleteTeam,
  markTeamDeleted,
} from "../../../../shared/service/teams/delete.ts";
import { askTrials } from "../../../../shared/service/trials/ask.ts";
import { putGrant } from "../../../../shared/store/grant.ts";
import { listTeamDeletions } from "../../../../shared/store/team-deletion.ts";
import { actionsOn, batchExecution, type MemoryWorld, memoryWorld } from "../../../support/batch.ts";
import { Crash, injectFaults } from "../../../support/faults.ts";
import { gateway } from "../../../support/gateway.ts";
import { memberOf } from "../../../support/identities.ts";
import { noReceipt, studyBody } from "../../../support/service.ts";

const DOOMED = "doomed-team";

const audited = (team: string, id: string) => ({
  receipt: { id: `${team}-${id}`, body: "body", team },
  audit: {
    team,
    who: { kind: "token", id: "abcdefghijkl" },
    route: "test",
    requestId: id,
    address: null,
    targets: [],
    fields: [],
    days: 400,
  } as const,
});

/** Everything in the table that names a team, of its items whole. */
const traces = (world: Pick<MemoryWorld, "table">, team = DOOMED): string[] =>
  world.table
    .items()
    .map((item) => JSON.stringify(item))
    .filter((item) => item.includes(team));

/** The reconciler's visits until nothing is left to do. */
const sweep = async (world: MemoryWorld): Promise<void> => {
  for (let visits = 0; visits < 8; visits++) {
    const deps = world.process();
    await reconcile(deps, world.clock.now + 600_000);
    await world.sweep();
    world.clock.now += SETTLED_MS;
  }
};

/** A team with something of every kind: a client study with trials, a batch study whose jobs run, a sweep that fires, tokens, receipts, an export. */
const doomed = async (seed = 0) => {
  const world = await memoryWorld({}, seed);
  const { deps } = world;
  await createTeam(deps, DOOMED, { ...audited(DOOMED, "0"), receipt: null });
  const token = await createToken(
    deps,
    DOOMED,
    { name: "own", role: "owner" },
    "admin",
    audited(DOOMED, "1"),
  );
  const { study: client } = await createStudy(deps, DOOMED, studyBody(), audited(DOOMED, "2"));
  await askTrials(deps, await loadStudy(deps, DOOMED, client), { count: 2 }, noReceipt);
  const executor = batchExecution;
  const budget = { trials: 4, parallel: 2 };
  const jobs = studyBody({ executor, budget, name: "jobs" });
  const { study: batch } = await createStudy(deps, DOOMED, jobs, audited(DOOMED, "3"));
  const study = await loadStudy(deps, DOOMED, batch);
  await startStudy(deps, study, audited(DOOMED, "4"));
  const actions = actionsOn(deps, study, world.queue, world.batch);
  await actions.deliver();
  for (const job of world.batch.alive()) world.batch.run(job);
  const body = { name: "nightly", schedule: { rate: { hours: 1 } }, overlap: "replace" } as const;
  const template = studyBody({ name: "fired" });
  const { sweep: nightly } = await createSweep(deps, DOOMED, { ...body, template }, audited(DOOMED, "5"));
  await world.sweep([world.schedules.message(nightly, world.clock.now)]);
  const month = new Date(world.clock.now).toISOString().slice(0, 7);
  await exportAudit(deps, DOOMED, { month });
  world.checkpoints.keys.add(`checkpoints/${DOOMED}/gone-study/0/1-1-0123456789abcdef`);
  return { world, deps, token, client, batch, study, nightly, actions };
};

const expectNothingLeft = (world: MemoryWorld): void => {
  expect(traces(world)).toEqual([]);
  // The items of its studies do not name it: whatever is not of the other team was its own.
  const others = [world.study.id, "acme"];
  const left = world.table.items().map((item) => JSON.stringify(item));
  expect(left.filter((item) => !others.some((name) => item.includes(name)))).toEqual([]);
  expect([...world.checkpoints.keys].filter((key) => key.includes(DOOMED))).toEqual([]);
  expect(world.batch.alive().filter(({ environment }) => environment.HONE_TEAM === DOOMED)).toEqual([]);
  expect([...world.batch.definitions].filter((name) => name.includes("jobs-"))).toEqual([]);
  expect([...world.schedules.all]).toEqual([]);
};

test("a team is refused everything at once, and nothing of it is left; others keep all they have", async () => {
  const { world, deps, token, client } = await doomed();
  expect(world.batch.alive().length).toBeGreaterThan(0);
  expect(traces(world).length).toBeGreaterThan(15);
  await createTeam(deps, "acme");
  const other = await createToken(deps, "acme", { name: "other", role: "owner" }, "admin", noReceipt);
  const kept = traces(world, "acme").length;
  const call = gateway(world.process());
  const signer = memberOf(DOOMED);
  const principal = { kind: "iam", id: signer.arn } as const;
  const by = { created: world.clock.now, createdBy: "admin" };
  await deps.store.transact([putGrant({ team: DOOMED, principal, study: null, role: "owner", ...by }, true)]);
  expect((await call("GET", `/iam/v1/teams/${DOOMED}/studies`, { signer })).status).toBe(200);
  await deleteTeam(deps, DOOMED, DOOMED, audited(DOOMED, "15"));
  for (const [method, path, body] of [
    ["GET", "/studies", undefined],
    ["POST", "/studies", studyBody()],
    ["POST", `/studies/${client}/ask`, {}],
    ["GET", "/audit", undefined],
  ] as const) {
    const reply = await call(method, `/v1/teams/${DOOMED}${path}`, { token: token.token, body });
    expect(reply).toMatchObject({ status: 401, body: { detail: expect.stringContaining("being deleted") } });
  }
  const reply = await call("GET", `/iam/v1/teams/${DOOMED}/studies`, { signer });
  expect(reply).toMatchObject({ status: 401, body: { detail: expect.stringContaining("being deleted") } });
  await expect(createTeam(world.process(), DOOMED)).rejects.toThrow("is being deleted");
  await sweep(world);
  expectNothingLeft(world);
  expect(traces(world, "acme").length).toBe(kept);
  expect((await call("GET", "/v1/teams/acme/studies", { token: other.token })).status).toBe(200);
  // Its name is free, and nothing of the former team comes back with it.
  await createTeam(world.process(), DOOMED);
  expect(traces(world)).toHaveLength(1);
  const late = await call("GET", `/v1/teams/${DOOMED}/studies`, { token: token.token });
  expect(late.status).toBe(401);
});

test("whoever does not name the team deletes nothing, and a team that is not there cannot be deleted", async () => {
  const { world, deps } = await doomed();
  const before = traces(world).length;
  await expect(deleteTeam(deps, DOOMED, "acme", noReceipt)).rejects.toMatchObject({
    errors: [{ pointer: "/confirm" }],
  });
  expect(traces(world)).toHaveLength(before);
  await expect(markTeamDeleted(deps, "nobody", "nobody", noReceipt)).rejects.toThrow("There is no team");
  expect(await listTeamDeletions(deps.store)).toEqual([]);
  await markTeamDeleted(deps, DOOMED, DOOMED, noReceipt);
  await expect(markTeamDeleted(deps, DOOMED, DOOMED, noReceipt)).rejects.toThrow("There is no team");
});

test("what a request that died has only marked is removed, and the team's name is free when the last sweep is gone", async () => {
  const { world, deps } = await doomed();
  await markTeamDeleted(deps, DOOMED, DOOMED, noReceipt);
  for (let visits = 0; visits < 6; visits++) {
    await reconcile(world.process(), world.clock.now + 600_000);
    world.clock.now += SETTLED_MS;
  }
  // Nobody has seen to its sweep.
  await expect(createTeam(world.process(), DOOMED)).rejects.toThrow("is being deleted");
  await sweep(world);
  expectNothingLeft(world);
  await createTeam(world.process(), DOOMED);
});

test("a team that has nothing more stays until requests that began before its mark have ended, and what they upload goes too", async () => {
  const world = await memoryWorld();
  await createTeam(world.deps, DOOMED);
  await markTeamDeleted(world.deps, DOOMED, DOOMED, noReceipt);
  const visit = () => reconcile(world.process(), world.clock.now + 600_000);
  world.clock.now += SETTLED_MS - 1;
  await visit();
  await expect(createTeam(world.process(), DOOMED)).rejects.toThrow("is being deleted");
  world.checkpoints.keys.add(`checkpoints/${DOOMED}/gone-study/0/1-1-0123456789abcdef`);
  for (let visits = 0; visits < 2; visits++) {
    world.clock.now += 1;
    await visit();
  }
  expectNothingLeft(world);
});

test("nothing is written for a team after its mark, whatever was read before it", async () => {
  const { world, deps, client, token } = await doomed();
  const study = await loadStudy(deps, DOOMED, client);
  await markTeamDeleted(world.process(), DOOMED, DOOMED, noReceipt);
  const before = traces(world);
  const late: readonly (() => Promise<unknown>)[] = [
    () => createStudy(deps, DOOMED, studyBody(), noReceipt),
    () => createStudy(deps, DOOMED, studyBody(), audited(DOOMED, "16")),
    () => createToken(deps, DOOMED, { name: "late", role: "viewer" }, "x", audited(DOOMED, "17")),
    () => deleteToken(deps, DOOMED, token.id, audited(DOOMED, "18")),
    () => patchStudy(deps, study, { state: "paused" }, audited(DOOMED, "19")),
    () => deleteStudy(deps, study, audited(DOOMED, "20")),
  ];
  for (const write of late) await expect(write()).rejects.toThrow(/team/);
  expect(traces(world)).toEqual(before);
});

test.each(["crash-before", "crash-after"] as const)(
  "wherever the sweep of a team dies (%s), another goes on until nothing is left",
  async (fault) => {
    const { world, deps } = await doomed();
    await deleteTeam(deps, DOOMED, DOOMED, noReceipt);
    await sweep({ ...world, process: () => withoutTeams(world) });
    const [deletion] = await listTeamDeletions(deps.store);
    const left = traces(world).length;
    expect(left).toBeGreaterThan(5);
    let crashes = 0;
    for (let at = 1; at < 60; at++) {
      let calls = 0;
      const disarm = injectFaults(world.client, (command) => {
        if (!/Write|Transact|Update/.test(command)) return "none";
        return ++calls === 1 ? fault : calls > 1 ? "crash-before" : "none";
      });
      const progress = await continueTeamDeletion(world.process(), deletion ?? { team: "", at: 0 }).catch(
        (error: unknown) => {
          if (!(error instanceof Crash)) throw error;
          crashes++;
        },
      );
      disarm();
      if (progress === "gone") break;
      // With a crash before each call none is ever made: the sweep then gets one whole turn.
      if (fault === "crash-before" && crashes > 5) break;
      if (traces(world).length === 0) break;
    }
    expect(crashes).toBeGreaterThan(2);
    await sweep(world);
    expectNothingLeft(world);
  },
);

/** A process whose reconciler never sees deletions of teams. */
const withoutTeams = (world: MemoryWorld): ReturnType<MemoryWorld["process"]> => {
  const deps = world.process();
  const list = deps.store.list.bind(deps.store);
  deps.store.list = async (pk, prefix, ...rest) =>
    prefix === "TEAM-DELETION#" ? [] : list(pk, prefix, ...rest);
  return deps;
};

test("whatever comes between the calls of requests, jobs and the deletion, nothing is left and nothing new", async () => {
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 0, max: 2 ** 31 }), async (seed) => {
      const random = createRandom(seed);
      const { world, client, study, nightly, actions } = await doomed(seed);
      const fires = world.schedules.message(nightly, world.clock.now + 3_600_000);
      const daily = { name: "daily", schedule: { rate: { days: 1 } }, template: studyBody() };
      const own = await loadStudy(world.process(), DOOMED, client);
      const turns = async () => {
        for (let left = random.integer(12); left > 0; left--) await new Promise(setImmediate);
      };
      world.client.middlewareStack.add(
        (next) => async (args) => {
          await turns();
          return next(args);
        },
        { step: "initialize", name: "hone-turns", override: true },
      );
      let requests = 100;
      const step = (): Promise<unknown> => {
        const process = world.process();
        const id = String(requests++);
        return [
          () => createStudy(process, DOOMED, studyBody({ name: "fired" }), noReceipt),
          () => createStudy(process, DOOMED, studyBody(), audited(DOOMED, id)),
          () => createToken(process, DOOMED, { name: "made", role: "worker" }, "x", audited(DOOMED, id)),
          () => askTrials(process, own, { count: 1 }, noReceipt),
          () => patchStudy(process, own, { budget: { trials: 50 + random.integer(9) } }, audited(DOOMED, id)),
          () => startStudy(process, study, audited(DOOMED, id)),
          () => actions.deliver(),
          () => deleteStudy(process, own, audited(DOOMED, id)),
          () => createSweep(process, DOOMED, daily, audited(DOOMED, id)),
          () => runSweep(process, DOOMED, nightly, audited(DOOMED, id)),
          () => patchSweep(process, DOOMED, nightly, { state: "paused" }, audited(DOOMED, id)),
          () => world.sweep([fires, fires]),
          () => world.sweep(),
          () => reconcile(process, world.clock.now + 60_000),
        ][random.integer(14)]?.() as Promise<unknown>;
      };
      const all = Array.from({ length: 24 }, async () => {
        for (let left = random.integer(20); left > 0; left--) await turns();
        return step();
      });
      const deletion = turns().then(() => deleteTeam(world.process(), DOOMED, DOOMED, audited(DOOMED, "15")));
      await Promise.allSettled([...all, deletion]);
      await deletion;
      world.client.middlewareStack.remove("hone-turns");
      await sweep(world);
      expectNothingLeft(world);
    }),
    { numRuns: 8 },
  );
});
