import { expect, test } from "vitest";
import type { DispatchMessage } from "../../../../shared/schemas/message.ts";
import { patchBudget } from "../../../../shared/service/access/budget.ts";
import { loadStudy } from "../../../../shared/service/core/load.ts";
import { createStudy } from "../../../../shared/service/studies/create.ts";
import { actionsOn, batchExecution, memoryWorld } from "../../../support/batch.ts";
import { noReceipt, studyBody, TEAM } from "../../../support/service.ts";

/** Messages that a receive hands out. */
const A_RECEIVE = 10;

/**
 * SQS with groups of messages, as AWS describes it: of the groups that wait, those with the fewest messages in flight or handed out lately come
 * first. Without fairness it hands out in the order of sending.
 */
class GroupedQueue {
  readonly #waiting: { group: string; message: DispatchMessage }[] = [];
  readonly #handed = new Map<string, number>();
  readonly #isFair: boolean;
  received = 0;

  constructor(isFair: boolean) {
    this.#isFair = isFair;
  }

  async send(group: string, messages: readonly DispatchMessage[]): Promise<void> {
    for (const message of messages) this.#waiting.push({ group, message });
  }

  receive(): DispatchMessage[] {
    const taken: DispatchMessage[] = [];
    while (taken.length < A_RECEIVE && this.#waiting.length > 0) {
      const at = this.#isFair ? this.#quietest() : 0;
      const [next] = this.#waiting.splice(at, 1);
      if (next === undefined) break;
      this.#handed.set(next.group, (this.#handed.get(next.group) ?? 0) + 1);
      taken.push(next.message);
    }
    if (taken.length > 0) this.received++;
    return taken;
  }

  #quietest(): number {
    const load = (at: number) => this.#handed.get(this.#waiting[at]?.group ?? "") ?? 0;
    const firsts = new Map(this.#waiting.map(({ group }, at) => [group, at] as const).reverse());
    return [...firsts.values()].reduce((best, at) => (load(at) < load(best) ? at : best));
  }
}

/** A team with many trials whose budget holds them all, and another with ten, sent after them. */
const twoTeams = async (many: number, isFair: boolean) => {
  const queue = new GroupedQueue(isFair);
  const wide = (trials: number) => ({
    executor: batchExecution,
    budget: { trials, parallel: trials },
    space: { x: { type: "float" as const, low: 0, high: 1 } },
  });
  const world = await memoryWorld(wide(many));
  const deps = { ...world.deps, queue };
  await patchBudget(deps, TEAM, { trials: 1 }, noReceipt);
  await actionsOn(deps, world.study, world.queue, world.batch).start();
  const { study: id } = await createStudy(deps, "small", studyBody(wide(10)), noReceipt);
  const small = await loadStudy(deps, "small", id);
  await actionsOn(deps, small, world.queue, world.batch).start();
  const received = async () => {
    while (world.batch.jobs.filter(({ environment }) => environment.HONE_TEAM === "small").length < 10) {
      const messages = queue.receive();
      if (messages.length === 0) throw new Error("the ten were never submitted");
      // Nothing that is held comes back.
      expect(await actionsOn(deps, small, world.queue, world.batch).deliver(messages)).toEqual([]);
    }
    return queue.received;
  };
  return { received, world };
};

test("whoever sends an attempt names its team: a start, the end of an attempt, the reconciler", async () => {
  const world = await memoryWorld({ budget: { trials: 3, parallel: 1 } });
  const groups: string[] = [];
  const send = world.queue.send.bind(world.queue);
  world.queue.send = (group, messages) => {
    groups.push(group);
    return send(group, messages);
  };
  await world.launch();
  expect(groups).toEqual([TEAM]);
  await world.settle(
    world.batch.fail(world.batch.of(0), { statusReason: "Host EC2 (instance i-1) terminated." }),
  );
  expect(groups).toEqual([TEAM, TEAM]);
  // The message is lost.
  world.queue.take();
  world.clock.now += 61_000;
  await world.reconcile();
  expect(groups).toEqual([TEAM, TEAM, TEAM]);
});

const MANY = Number(process.env.HONE_HELD ?? 1000);

test("ten trials of a team are submitted within a few receives, however many another team has held up before them", async () => {
  const { received, world } = await twoTeams(MANY, true);
  expect(await received()).toBeLessThanOrEqual(4);
  expect(world.batch.jobs).toHaveLength(11);
}, 300_000);

test("even without fair queues what is held up is received once, and holds up others no longer than that", async () => {
  const { received } = await twoTeams(MANY, false);
  expect(await received()).toBeLessThanOrEqual(Math.ceil((MANY + 10) / A_RECEIVE));
}, 300_000);
