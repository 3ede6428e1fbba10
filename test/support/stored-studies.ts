import type { CreateStudyBody, Study } from "../../shared/schemas/study.ts";
import type { AskReply } from "../../shared/schemas/trial.ts";
import { FOLD_AT } from "../../shared/service/core/fold.ts";
import { type MemoryWorld, memoryWorld } from "./batch.ts";
import { callerAs } from "./callers.ts";
import { type Gateway, gateway } from "./gateway.ts";
import type { Attributes } from "./memory-table/value.ts";
import { nestedCv, studyBody, TEAM } from "./service.ts";

/** Whole studies as they were stored once, in `test/fixtures/studies`: what was readable then must stay so. */

const caller = callerAs("editor");

/** A user's calls of one study. */
export interface StudyCalls {
  readonly get: (path: string) => Promise<object>;
  readonly ask: () => Promise<AskReply["trials"]>;
  readonly tell: (trial: AskReply["trials"][number], accuracy: number) => Promise<number>;
}

export const callsOf = (call: Gateway, study: string): StudyCalls => {
  const path = `/v1/teams/${TEAM}/studies/${study}`;
  const post = <T>(rest: string, body: object) => call<T>("POST", `${path}${rest}`, { caller, body });
  return {
    get: async (rest) => {
      const { status, body } = await call<object>("GET", `${path}${rest}`, { caller });
      if (status !== 200) throw new Error(`${rest}: ${JSON.stringify(body)}`);
      return body;
    },
    ask: async () => (await post<AskReply>("/ask", { worker: "w1" })).body.trials,
    tell: async ({ number, attempt }, accuracy) => {
      const body = { attempt, values: { accuracy }, checkpoint: `s3://own/${number}` };
      return (await post(`/trials/${number}/tell`, body)).status;
    },
  };
};

/** A study's table, and what a user was answered. */
export interface StoredStudy {
  readonly study: string;
  /** Milliseconds since 1970. */
  readonly now: number;
  readonly items: readonly Attributes[];
  readonly answers: Readonly<Record<string, object>>;
}

/** What is stored: each has been folded, but for its last trials, and one trial runs. */
const kinds = {
  pbt: {
    body: {
      algorithm: { name: "pbt", population: 3, seed: 1 },
      scheduler: { resource: { name: "epoch", min: 5, max: 20 } },
      budget: { trials: 100 },
    },
    reads: ["/lineage", "/lineage?trial=10", "/trials/65"],
  },
  races: {
    body: {
      algorithm: { name: "irace", seed: 1 },
      evaluation: { type: "instances", names: ["a", "b", "c", "d", "e", "f", "g", "h"] },
      budget: { trials: 150 },
    },
    reads: [],
  },
  nested: {
    // Both searches come to their end, and a winner is being refitted.
    body: { evaluation: { ...nestedCv, inner: { folds: 3 } }, budget: { trials: FOLD_AT + 2 } },
    reads: ["/trials/2"],
  },
  warm: {
    body: {
      algorithm: { name: "tpe", seed: 1 },
      space: {
        cost: { type: "float", low: 0.1, high: 100, scale: "log" },
        gamma: { type: "float", low: 1e-5, high: 1, scale: "log" },
        kernel: { type: "categorical", choices: ["rbf", "poly"] },
      },
      budget: { trials: 100 },
    },
    reads: [],
  },
} as const satisfies Record<
  string,
  { readonly body: Partial<CreateStudyBody>; readonly reads: readonly string[] }
>;

export const storedKinds = Object.keys(kinds) as (keyof typeof kinds)[];

/** An answer without its message to people, which a later version may word otherwise. */
const factsOf = (answer: object): object => {
  const { message: _, ...facts } = answer as { readonly message?: unknown };
  return facts;
};

/** A study whose results another one begins with. */
const earlierStudy = async (call: Gateway): Promise<NonNullable<CreateStudyBody["warmStart"]>> => {
  const path = `/v1/teams/${TEAM}/studies`;
  const { study } = (await call<Study>("POST", path, { caller, body: studyBody({ name: "earlier" }) })).body;
  const trials = Array.from({ length: 12 }, (_, i) => ({
    params: { C: 10 ** (i / 3 - 1), gamma: 10 ** (-(i % 4) - 1) },
    values: { accuracy: 1 / (i + 1) },
  }));
  await call("POST", `${path}/${study}/trials`, { caller, body: { trials } });
  return { studies: [{ study, rename: { C: "cost" }, assume: { kernel: "rbf" } }] };
};

/** Makes such a study anew, as this version of Hone stores it. */
export const storeStudy = async (kind: keyof typeof kinds): Promise<StoredStudy> => {
  const { body, reads } = kinds[kind];
  const world: MemoryWorld = await memoryWorld();
  const call = gateway(world.deps);
  world.table.restore([]);
  const warmStart = kind === "warm" ? { warmStart: await earlierStudy(call) } : {};
  const whole = studyBody({ ...(body as Partial<CreateStudyBody>), ...warmStart });
  const created = await call<Study>("POST", `/v1/teams/${TEAM}/studies`, { caller, body: whole });
  const { study } = created.body;
  const { get, ask, tell } = callsOf(call, study);
  const searches = kind === "nested" ? 2 : 1;
  for (let n = 0; n < searches * (FOLD_AT + 2); n++) {
    world.clock.now += 1000;
    const [trial] = await ask();
    if (trial !== undefined) await tell(trial, ((n * 37) % 101) / 101);
  }
  await ask();
  const paths = ["", "/best", "/trials/0", "/trials/5", "/trials/60", ...reads];
  const answers = Object.fromEntries(
    await Promise.all(paths.map(async (path) => [path, factsOf(await get(path))] as const)),
  );
  return { study, now: world.clock.now, items: world.table.items(), answers };
};
