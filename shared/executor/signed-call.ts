import { setTimeout as pause } from "node:timers/promises";
import { HttpRequest, type HttpResponse } from "@smithy/core/protocols";
import type { SignatureV4 } from "@smithy/signature-v4";
import { Unavailable } from "../errors.ts";

/**
 * Calls of AWS that need no more than the signer and the HTTP handler that every client of the SDK brings along: where a service is
 * asked few things, its own client would only make the bundles larger.
 */
export interface CallOptions {
  readonly signer: Pick<SignatureV4, "sign">;
  readonly send: (request: HttpRequest) => Promise<{ readonly response: HttpResponse }>;
}

/** What a service answered. */
export interface CallReply {
  readonly status: number;
  readonly text: string;
}

const MAX_TRIES = 3;
const PAUSE_MS = 100;
const TOO_MANY = 429;
const SERVER_ERROR = 500;

/**
 * Sends a request that may be repeated, up to three times. @param make makes it anew for each try, since a signature ages.
 * @throws Unavailable when none of the tries was answered.
 */
export const callSigned = async (
  { signer, send }: CallOptions,
  make: () => HttpRequest,
): Promise<CallReply> => {
  for (let tries = 1; ; tries++) {
    const isLast = tries === MAX_TRIES;
    try {
      const { response } = await send(new HttpRequest(await signer.sign(make())));
      const { statusCode: status } = response;
      const text = await textOf(response);
      if (isLast || (status !== TOO_MANY && status < SERVER_ERROR)) return { status, text };
    } catch (error) {
      if (isLast) throw Object.assign(new Unavailable(), { cause: error });
    }
    await pause(PAUSE_MS * tries);
  }
};

export const textOf = async ({ body }: HttpResponse): Promise<string> => {
  const chunks: Buffer[] = [];
  for await (const chunk of (body ?? []) as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks).toString("utf8");
};
