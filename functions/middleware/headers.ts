import type { Middleware } from "./event.ts";

/** Of every answer: not to be guessed at, and not to be kept by anyone on the way. */
const SAFE = { "x-content-type-options": "nosniff", "cache-control": "no-store" };

export const headers = (): Middleware => {
  const add: Middleware["after"] = ({ response }) => {
    if (response) response.headers = { ...response.headers, ...SAFE };
  };
  return { after: add, onError: add };
};
