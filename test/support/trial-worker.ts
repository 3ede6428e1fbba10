/**
 * A worker of a client study as a process of its own: `node trial-worker.ts STUDY NAME [hold]`, with HONE_API, HONE_TEAM and
 * HONE_TOKEN. It asks, trains and reports until the study is finished, and prints what it was answered, a line each. With
 * `hold` it goes no further than the first epoch of its first trial, so that it can be killed there.
 */
import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { fetchPatiently } from "../../shared/patience.ts";
import type { AskReply, LeasedTrial, ReportReply } from "../../shared/schemas/trial.ts";

/** A trial that was handed out. */
export type Leased = Pick<LeasedTrial, "number" | "attempt" | "params" | "checkpoint"> & {
  readonly kind: "leased";
};

/** A report and its answer. */
export interface Answered extends Pick<ReportReply, "decision" | "reason"> {
  readonly kind: "answered";
  readonly number: number;
  readonly attempt: number;
  readonly step: number;
  readonly loss: number;
}

/** The last line of a worker that holds. */
export interface Holding {
  readonly kind: "holding";
  readonly number: number;
}

export type Line = Leased | Answered | Holding;

const [study = "", worker = "", mode = ""] = process.argv.slice(2);
const { HONE_API = "", HONE_TEAM = "", HONE_TOKEN = "" } = process.env;
const EPOCHS = 18;

const print = (line: Line): void => void process.stdout.write(`${JSON.stringify(line)}\n`);

/** @returns null when the service refuses: the trial is another worker's now. */
const call = async <T>(path: string, body: unknown): Promise<T | null> => {
  const reply = await fetchPatiently(`${HONE_API}/teams/${HONE_TEAM}/studies/${study}${path}`, {
    method: "POST",
    headers: {
      authorization: `Bearer ${HONE_TOKEN}`,
      "content-type": "application/json",
      "idempotency-key": randomUUID(),
    },
    body: JSON.stringify(body),
  });
  const text = await reply.text();
  if (reply.status === 409) return null;
  if (!reply.ok) throw new Error(`${path}: ${reply.status} ${text}`);
  return JSON.parse(text);
};

/** A learning curve whose ranks change on the way: what ends best begins slowly. */
const lossOf = (x: number, epoch: number): number => (x - 1) ** 2 + (6 - x) / epoch;

/** Says where the state of this epoch is, and goes no further. */
const hold = async (number: number, attempt: number, epoch: number): Promise<void> => {
  await call(`/trials/${number}/heartbeat`, { attempt, checkpoint: String(epoch) });
  print({ kind: "holding", number });
  await sleep(600_000);
};

const train = async ({ number, attempt, params, checkpoint, ...lease }: LeasedTrial): Promise<void> => {
  const own = `/trials/${number}`;
  let reportAt = lease.reportAt;
  let loss = Number.NaN;
  for (let step = Number(checkpoint ?? 0) + 1; step <= EPOCHS; step++) {
    loss = lossOf(Number(params.x), step);
    if (mode === "hold") await hold(number, attempt, step);
    if (step !== reportAt) continue;
    const values = { loss };
    const body = { attempt, step, values, checkpoint: String(step) };
    const reply = await call<ReportReply>(`${own}/report`, body);
    if (reply === null) return;
    const { decision, reason } = reply;
    print({ kind: "answered", number, attempt, step, loss, decision, reason });
    if (decision !== "continue") return;
    reportAt = reply.reportAt;
  }
  await call(`${own}/tell`, { attempt, values: { loss } });
};

for (;;) {
  const reply = await call<AskReply>("/ask", { count: 1, worker });
  if (reply === null) throw new Error("An ask was refused.");
  for (const trial of reply.trials) {
    const { number, attempt, params, checkpoint } = trial;
    print({ kind: "leased", number, attempt, params, checkpoint });
    await train(trial);
  }
  if (reply.state === "finished") break;
  if (reply.trials.length === 0) await sleep(1000 * (reply.retryAfter ?? 1));
}
