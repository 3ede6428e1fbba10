import type { CreateStudyBody } from "../../shared/schemas/study.ts";
import type { ApiDeps } from "../../shared/service/core/deps.ts";
import { type MemoryWorld, memoryWorld } from "./batch.ts";
import { Crash, type Fault, injectFaults } from "./faults.ts";
import { makeStudy } from "./service.ts";

/**
 * Crash points, enumerated: what an act calls outside its process (the table, the queue, Batch, state machines) is counted
 * once without faults; then the act is carried out again, in a fresh world, for every one of those calls, and that call
 * meets the fault; of a long row of calls that are alike, such as the deletions of a fold's trials, only those at its ends
 * do. Whoever sent the act sends it again until it is answered, as clients, queues and schedules do.
 */

/** A world on the table in this process, with a study of its own for the scenario and one that nobody may touch. */
export interface CrashWorld extends MemoryWorld {
  readonly bystander: string;
  /** Its items as they were at first. */
  readonly bystanderItems: readonly string[];
}

/** What was heard of an act. */
export interface Heard {
  readonly status: number;
  readonly body: unknown;
}

export interface Act {
  /** One try, by a process of its own. @param key the Idempotency-Key, if the act takes one. */
  readonly send: (deps: ApiDeps, key: string | null) => Promise<Heard>;
  /** Whether what was heard says that the act is to be tried again. */
  readonly isAnswer: (heard: Heard) => boolean;
  /** Asserts what the act must have come to. */
  readonly check: (visit: Visit) => Promise<void>;
}

export interface Scenario {
  readonly study?: Partial<CreateStudyBody>;
  /** Brings the world to where the act begins. Nothing fails meanwhile. */
  readonly prepare: (world: CrashWorld) => Promise<Act>;
}

/** One act under one fault. */
export interface Visit {
  readonly world: CrashWorld;
  readonly answer: Heard;
  /** What was heard of earlier tries that were not answers. */
  readonly refused: readonly Heard[];
  readonly tries: number;
  readonly key: string | null;
  readonly fault: Fault;
  /** Items of the table before the first try. */
  readonly before: readonly string[];
  /** Sends the act once more, without faults. */
  readonly repeat: () => Promise<Heard>;
}

/** The calls that a fault can hit. */
const WRITES = new Set(["UpdateItemCommand", "TransactWriteItemsCommand", "BatchWriteItemCommand"]);
const isPort = (call: string) => !call.endsWith("Command");

const canMeet = (fault: Fault, call: string): boolean => {
  switch (fault) {
    case "conflict":
      return call === "UpdateItemCommand" || call === "TransactWriteItemsCommand";
    case "partial":
      return call === "BatchWriteItemCommand";
    // A read changes nothing: to die before or after it is to die after the last write, or before the next one.
    case "crash-before":
    case "crash-after":
      return isPort(call) || WRITES.has(call);
    // The SDK repeats a call whose reply was lost; whether those of the ports may is theirs to say.
    case "lost-reply":
      return WRITES.has(call);
    default:
      return true;
  }
};

interface Call {
  readonly call: string;
  readonly input: unknown;
}

/** Aims one fault at the k-th of the calls that it can hit, and notes those. */
class Aim {
  readonly #fault: Fault;
  readonly #k: number;
  readonly eligible: Call[] = [];
  #isDead = false;
  #isHit = false;

  constructor(fault: Fault, k: number) {
    this.#fault = fault;
    this.#k = k;
  }

  /** What becomes of a call. A process that died makes no further one, whoever caught the error. */
  readonly next = (call: string, input: unknown): Fault => {
    if (this.#isDead) return "crash-before";
    if (!canMeet(this.#fault, call)) return "none";
    this.eligible.push({ call, input });
    if (this.eligible.length - 1 !== this.#k) return "none";
    this.#isHit = true;
    this.#isDead = this.#fault === "crash-before" || this.#fault === "crash-after";
    return this.#fault;
  };

  get isHit() {
    return this.#isHit;
  }

  /** @returns whether the process before was dead. */
  bury(): boolean {
    const wasDead = this.#isDead;
    this.#isDead = false;
    return wasDead;
  }
}

const UUID = /[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/g;

/** A call without its numbers: two deletions of trials under one condition are alike, those of a trial and a head are not. */
const kindOf = ({ call, input }: Call): string =>
  `${call} ${JSON.stringify(input).replaceAll(UUID, "").replaceAll(/\d+/g, "0")}`;

/** Of a row of calls that are alike, those that a fault hits at either end. */
const ENDS = 4;

/** Which calls a fault hits: all but those inside a long row of calls that are alike. */
const pointsIn = (calls: readonly Call[]): number[] => {
  const kinds = calls.map(kindOf);
  return [...kinds.keys()].filter((k) => {
    const around = kinds.slice(Math.max(0, k - ENDS), k + ENDS + 1);
    return around.length < 2 * ENDS + 1 || around.some((kind) => kind !== kinds[k]);
  });
};

/** The same object, each of whose methods may meet a fault. */
const aimedAt = <T extends object>(name: string, port: T, aim: Aim): T =>
  new Proxy(port, {
    get: (target, property) => {
      const value: unknown = Reflect.get(target, property, target);
      if (typeof value !== "function") return value;
      return async (...args: unknown[]) => {
        const fault = aim.next(`${name}.${String(property)}`, args);
        if (fault === "crash-before") throw new Crash("crashed before the call");
        if (fault === "throttle")
          throw Object.assign(new Error("Slow down"), { name: "ThrottlingException" });
        const result: unknown = await value.apply(target, args);
        if (fault === "crash-after") throw new Crash("crashed after the call");
        return result;
      };
    },
  });

const under = (world: CrashWorld, aim: Aim): ApiDeps => ({
  ...world.process(),
  queue: aimedAt("queue", world.queue, aim),
  batch: aimedAt("batch", world.batch, aim),
  workflow: aimedAt("workflow", world.rounds, aim),
  checkpoints: aimedAt("checkpoints", world.checkpoints, aim),
  identities: aimedAt("identities", world.identities, aim),
  schedules: aimedAt("schedules", world.schedules, aim),
});

/** Leases are long, so that the clock may pass what the reconciler waits for. */
const LEASE = { seconds: 3600, maxAttempts: 3 };

const makeWorld = async (change: Scenario["study"]): Promise<CrashWorld> => {
  const world = await memoryWorld({ lease: LEASE, ...change });
  const bystander = await makeStudy(world.process(), { name: "bystander" });
  const bystanderItems = itemsOf(world).filter((item) => item.includes(bystander.id));
  return { ...world, bystander: bystander.id, bystanderItems };
};

/** Every item of the table as text, in an order that says nothing. */
export const itemsOf = (world: Pick<CrashWorld, "table">): string[] =>
  world.table
    .items()
    .map((item) => JSON.stringify(item))
    .sort();

const MOST_TRIES = 6;

const visit = async (
  scenario: Scenario,
  fault: Fault,
  key: string | null,
  k: number,
): Promise<{ readonly visit: Visit; readonly act: Act; readonly aim: Aim }> => {
  const world = await makeWorld(scenario.study);
  const act = await scenario.prepare(world);
  const before = itemsOf(world);
  const aim = new Aim(fault, k);
  const disarm = injectFaults(world.client, (command, _, input) => aim.next(command, input));
  const refused: Heard[] = [];
  let answer: Heard | null = null;
  let tries = 0;
  while (answer === null) {
    if (++tries > MOST_TRIES) throw new Error(`Not answered: ${JSON.stringify(refused)}`);
    const heard = await hear(() => act.send(under(world, aim), key));
    // Whoever was to answer is dead, whatever caught its error.
    if (aim.bury() || heard === null) continue;
    if (act.isAnswer(heard)) answer = heard;
    else refused.push(heard);
  }
  disarm();
  const repeat = () => act.send(world.process(), key);
  return { visit: { world, answer, refused, tries, key, fault, before, repeat }, act, aim };
};

const hear = async (send: () => Promise<Heard>): Promise<Heard | null> => {
  try {
    return await send();
  } catch (error) {
    if (error instanceof Crash) return null;
    throw error;
  }
};

/**
 * Lets faults hit the calls of an act, one after the other, each in a fresh world, and checks what came of it.
 * @param also what must hold of every visit besides.
 * @returns how many calls each fault hit.
 */
export const enumerate = async (
  scenario: Scenario,
  faults: readonly Fault[],
  key: string | null,
  also: (visit: Visit) => Promise<void>,
): Promise<ReadonlyMap<Fault, number>> => {
  const clean = await visit(scenario, "none", key, Number.POSITIVE_INFINITY);
  await clean.act.check(clean.visit);
  await also(clean.visit);
  const hits = new Map<Fault, number>();
  for (const fault of faults) {
    const calls = clean.aim.eligible.filter(({ call }) => canMeet(fault, call));
    const points = pointsIn(calls);
    hits.set(fault, points.length);
    for (const k of points) {
      const each = await visit(scenario, fault, key, k);
      if (!each.aim.isHit) throw new Error(`${fault} at call ${k} of ${calls.length} did not fire.`);
      try {
        await each.act.check(each.visit);
        await also(each.visit);
      } catch (error) {
        throw Object.assign(new Error(`${fault} at call ${k} of ${calls.length}: ${String(error)}`), {
          cause: error,
        });
      }
    }
  }
  return hits;
};
