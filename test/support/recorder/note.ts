import type { LimitName } from "./limits.ts";

/** What the recorder writes down, one line of JSON each. The payloads themselves are never kept. */
export type Note = CallNote | RequestNote | ExecutionNote;

/** One call of AWS. */
export interface CallNote {
  readonly kind: "call";
  /** The Lambda that called, as it names itself in the User-Agent; null when it does not. */
  readonly lambda: string | null;
  /** Whether the tests themselves called, as the emulator's root. */
  readonly byTest: boolean;
  /** IAM's prefix of the service, and the name of the operation: `dynamodb:TransactWriteItems`. */
  readonly operation: string;
  /** What IAM wants to be allowed for it; null when we do not know the operation. */
  readonly needs: readonly Need[] | null;
  /** Tags of resources that the answer shows, by their ARNs. */
  readonly tags?: Readonly<Record<string, Readonly<Record<string, string>>>>;
  readonly status: number;
  /** Name of the error that was answered. */
  readonly error: string | null;
  readonly sizes: readonly Size[];
}

/** One request to the deployed HTTP API. */
export interface RequestNote {
  readonly kind: "request";
  readonly method: string;
  /** Without its query. */
  readonly path: string;
  readonly status: number;
  readonly sizes: readonly Size[];
}

/** One execution of a state machine, read from its history. */
export interface ExecutionNote {
  readonly kind: "execution";
  readonly name: string;
  readonly sizes: readonly Size[];
}

/** An action that IAM must allow on a resource: an ARN, or `*` where the action knows no resource. */
export interface Need {
  readonly action: string;
  readonly resource: string;
  /** Values of the condition keys that the call sets. */
  readonly context?: Readonly<Record<string, string | string[]>>;
}

/** As much of a limit as was used: bytes, items or milliseconds, as `limits.ts` says. */
export interface Size {
  readonly limit: LimitName;
  readonly value: number;
}

export const size = (limit: LimitName, value: number): Size => ({ limit, value });
export const bytesOf = (text: string): number => Buffer.byteLength(text, "utf8");
