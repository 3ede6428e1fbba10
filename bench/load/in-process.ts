import { setTimeout as sleep } from "node:timers/promises";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { toProblem } from "../../functions/middleware/problem.ts";
import { DomainError } from "../../shared/errors.ts";
import type { CreateStudyBody } from "../../shared/schemas/study.ts";
import type { ServiceDeps } from "../../shared/service/core/deps.ts";
import { loadStudy } from "../../shared/service/core/load.ts";
import { createStudy } from "../../shared/service/studies/create.ts";
import { addTrials } from "../../shared/service/trials/add.ts";
import { askTrials } from "../../shared/service/trials/ask.ts";
import { reportTrial } from "../../shared/service/trials/report.ts";
import { tellTrial } from "../../shared/service/trials/tell.ts";
import { handlerFor } from "../../test/support/memory-table/client.ts";
import { MemoryTable } from "../../test/support/memory-table/memory-table.ts";
import { noReceipt, TEAM, testDeps } from "../../test/support/service.ts";
import { clientFor, createTable } from "../../test/support/table.ts";
import { meter } from "../ask-latency/meter.ts";
import type { Cost } from "./statistics.ts";
import type { Answer, Target } from "./target.ts";

/** A table, and clients of it that count what they cost. */
export interface CountingTable {
  readonly name: string;
  client(): { readonly client: DynamoDBClient; cost(): Cost };
}

/** A table of the emulator; units are computed from the sizes of items as far as the requests show them. */
export const emulatedTable = async (endpoint: string): Promise<CountingTable> => {
  const { tableName } = await createTable(endpoint);
  const sizes = new Map<string, number>();
  return {
    name: tableName,
    client: () => {
      const client = new DynamoDBClient(clientFor(endpoint));
      const counts = meter(client, sizes);
      return { client, cost: () => ({ reads: counts.reads, writes: counts.writes, lost: counts.lost }) };
    },
  };
};

/**
 * A table in this process, whose units are exact.
 * @param latencyMs mean time of a request, as if there were a network; half of it to one and a half times.
 */
export const memoryTable = (latencyMs: number, uniform: () => number): CountingTable => {
  const table = new MemoryTable("load");
  return {
    name: table.name,
    client: () => {
      let [reads, writes] = [0, 0];
      const inner = handlerFor(table);
      const requestHandler = {
        ...inner,
        handle: async (request: Parameters<typeof inner.handle>[0]) => {
          if (latencyMs > 0) await sleep(latencyMs * (0.5 + uniform()));
          const before = table.units.consumed;
          const reply = inner.handle(request); // at once, so what it consumed is its own
          const after = table.units.consumed;
          reads += after.read - before.read;
          writes += after.write - before.write;
          return reply;
        },
      };
      const client = new DynamoDBClient({ ...clientFor("http://in-process.invalid"), requestHandler });
      const counts = meter(client);
      return { client, cost: () => ({ reads, writes, lost: counts.lost }) };
    },
  };
};

/** The use cases, in as many environments with a memory of their own as there are calls at once: as Lambda runs them. */
export const inProcess = async (table: CountingTable, body: CreateStudyBody): Promise<Target> => {
  const asks = table.client();
  const tells = table.client();
  const clock = () => Date.now();
  const newEnvironment = () => {
    const ask: ServiceDeps = { ...testDeps(asks.client, table.name), clock };
    const { store } = testDeps(tells.client, table.name);
    return { ask, tell: { ...ask, store } };
  };
  const free: ReturnType<typeof newEnvironment>[] = [];
  const call = async <T>(
    run: (deps: ReturnType<typeof newEnvironment>) => Promise<T>,
  ): Promise<Answer<T>> => {
    const environment = free.pop() ?? newEnvironment();
    try {
      return { status: 200, retryAfter: null, body: await run(environment) };
    } catch (error) {
      if (!(error instanceof DomainError)) throw error;
      const { statusCode = 500 } = toProblem(error, "");
      return { status: statusCode, retryAfter: error.retryAfter ?? null, body: null };
    } finally {
      free.push(environment);
    }
  };

  const first = newEnvironment();
  const { study: id } = await createStudy(first.ask, TEAM, body, noReceipt);
  const load = (deps: ServiceDeps) => loadStudy(deps, TEAM, id);
  return {
    ask: (worker, count = 1) =>
      call(async ({ ask }) => (await askTrials(ask, await load(ask), { worker, count }, noReceipt)).trials),
    tell: ({ number, attempt }, values) =>
      call(async ({ tell }) => {
        await tellTrial(tell, await load(tell), number, { attempt, values }, noReceipt);
        return null;
      }),
    report: ({ number, attempt }, step, values) =>
      call(async ({ tell }) => {
        await reportTrial(tell, await load(tell), number, { attempt, step, values }, noReceipt);
        return null;
      }),
    add: (trials) =>
      call(async ({ ask }) => {
        await addTrials(ask, await load(ask), { trials: [...trials] }, noReceipt);
        return null;
      }),
    cost: () => ({ ask: asks.cost(), tell: tells.cost() }),
  };
};
