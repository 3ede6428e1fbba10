import type {
  BatchExecutor,
  Checkpoints,
  DispatchQueue,
  Identities,
  Schedules,
  Workflow,
} from "../../ports.ts";
import type { Prices } from "../../prices.ts";
import type { Audit } from "../../store/audit.ts";
import type { Receipt } from "../../store/receipt.ts";
import type { Store } from "../../store/store.ts";
import type { Warm } from "./warm.ts";

/** What the use cases need; `functions/deps.ts` makes the real ones, tests hand in their own. */
export interface ServiceDeps {
  readonly store: Store;
  readonly warm: Warm;
  /** Requests per second that a team may make. */
  readonly teamRate: number;
  /** What machines cost in this deployment. */
  readonly prices: Prices;
  /** Milliseconds since 1970, of this server; a client's clock is never used. */
  readonly clock: () => number;
  /** Cryptographically secure bytes: ids, secrets, fences. */
  readonly randomBytes: (count: number) => Uint8Array;
  readonly queue: DispatchQueue;
  readonly batch: BatchExecutor;
  readonly workflow: Workflow;
  readonly checkpoints: Checkpoints;
  readonly schedules: Schedules;
  /** Days that a line of the audit trail is kept. */
  readonly auditDays: number;
  /** One structured line; never parameters, metrics or secrets. */
  readonly log: (event: string, fields: Readonly<Record<string, string | number | boolean | null>>) => void;
}

/** What only requests of the API need beside that. */
export interface ApiDeps extends ServiceDeps {
  readonly identities: Identities;
}

/** What a use case may need to know about a write request beside its body. */
export interface WriteContext {
  readonly receipt: Receipt | null;
  /** Who writes what, for the audit trail; absent where nobody asked for it, and for what is not audited. */
  readonly audit?: Audit;
}

/** The context of a write that no request asked for: a message, an event, a repair. */
export const noRequest: WriteContext = { receipt: null };
