import { createHash } from "node:crypto";
import { isKeyed, routes } from "../../shared/api/routes.ts";
import { InvalidKey } from "../../shared/errors.ts";
import type { Receipt } from "../../shared/store/receipt.ts";
import type { Match } from "../api/router.ts";
import { identityOf } from "./caller.ts";
import type { ApiEvent, Middleware } from "./event.ts";

const KEY = /^[\x21-\x7e]{1,255}$/;

/** Turns an Idempotency-Key into the receipt that the use case stores with its changes; reads have none. */
export const idempotency = (): Middleware => ({
  before: ({ event }) => {
    event.receipt = receiptOf(event);
  },
});

const receiptOf = ({ headers, requestContext, rawPath, caller, json, match }: ApiEvent) => {
  const key = headers["idempotency-key"];
  const { method } = requestContext.http;
  if (key === undefined || match.route === "health" || !isKeyed(routes[match.route])) return null;
  if (!KEY.test(key)) throw new InvalidKey();
  return {
    id: hash([identityOf(caller), method, rawPath, key]),
    body: hash(canonical(json)),
    ...ownerOf(match, method),
  };
};

/** The receipt of a deletion outlives what is deleted: that of a study lies with the team's, that of a team by itself. */
const ownerOf = (
  { route, path: { study, team } }: Match,
  method: string,
): Pick<Receipt, "study" | "team"> => {
  if (study !== "" && method !== "DELETE") return { study };
  return route === "deleteTeam" ? {} : { team };
};

const hash = (value: unknown): string =>
  createHash("sha256").update(JSON.stringify(value)).digest("base64url");

/** Sorts all keys, so that bodies that differ only in the order of keys are equal. */
const canonical = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(canonical);
  if (typeof value !== "object" || value === null) return value;
  const sorted = Object.entries(value).sort(([one], [other]) => (one < other ? -1 : 1));
  return Object.fromEntries(sorted.map(([key, inner]) => [key, canonical(inner)]));
};
