import type { Caller } from "../../shared/auth/authorize.ts";
import type { Role } from "../../shared/schemas/token.ts";
import { TEAM } from "./service.ts";

type OfToken = Extract<Caller, { readonly kind: "token" }>;

/** A token as the authorizer hands it on: of the whole team and of no member. */
export const callerAs = (role: Role | null, change: Partial<OfToken> = {}): OfToken => ({
  kind: "token",
  team: TEAM,
  id: "abcdefghijkl",
  member: null,
  role,
  study: null,
  granted: null,
  ...change,
});
