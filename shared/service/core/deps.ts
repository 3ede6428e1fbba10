import type { BatchExecutor, Checkpoints, DispatchQueue, Workflow } from "../../ports.ts";
import type { Receipt } from "../../store/receipt.ts";
import type { Store } from "../../store/store.ts";
import type { Warm } from "./warm.ts";

/** What the use cases need; `functions/deps.ts` makes the real ones, tests hand in their own. */
export interface ServiceDeps {
  readonly store: Store;
  readonly warm: Warm;
  /** Milliseconds since 1970, of this server; a client's clock is never used. */
  readonly clock: () => number;
  /** Cryptographically secure bytes: ids, secrets, fences. */
  readonly randomBytes: (count: number) => Uint8Array;
  readonly queue: DispatchQueue;
  readonly batch: BatchExecutor;
  readonly workflow: Workflow;
  readonly checkpoints: Checkpoints;
  /** One structured line; never parameters, metrics or secrets. */
  readonly log: (event: string, fields: Readonly<Record<string, string | number | boolean | null>>) => void;
}

/** What a use case may need to know about a write request beside its body. */
export interface WriteContext {
  readonly receipt: Receipt | null;
}

/** The context of a write that no request asked for: a message, an event, a repair. */
export const noRequest: WriteContext = { receipt: null };
