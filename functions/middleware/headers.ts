import type { Middleware } from "./event.ts";

/** On every reply: no content sniffing, no caching. */
const SAFE = { "x-content-type-options": "nosniff", "cache-control": "no-store" };

export const headers = (): Middleware => {
  const add: Middleware["after"] = ({ response }) => {
    if (response) response.headers = { ...response.headers, ...SAFE };
  };
  return { after: add, onError: add };
};
