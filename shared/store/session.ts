import type { SessionRole } from "../schemas/credentials.ts";
import type { Principal } from "./grant.ts";
import { sessionKey } from "./keys.ts";
import type { Change, Store } from "./store.ts";
import { countCreation } from "./team.ts";

/** AWS credentials that Hone made for one study: everything but the secrets. */
export interface SessionItem {
  readonly team: string;
  readonly id: string;
  readonly study: string;
  readonly role: SessionRole;
  /** Milliseconds since 1970. */
  readonly created: number;
  readonly expires: number;
  /** Who made it, and whose rights bound it: a token by its id, an AWS principal by its ARN. */
  readonly maker: Pick<Principal, "id"> & { readonly kind: "token" | "iam" };
}

export const SESSION = "session";

/** A new session; it counts as a creation of the team. */
export const newSession = ({ team, id, maker, ...rest }: SessionItem): Change[] => [
  {
    name: SESSION,
    key: sessionKey(team, id),
    put: { ...rest, maker: maker.id, makerKind: maker.kind, ttl: Math.ceil(rest.expires / 1000) },
    when: { expression: "attribute_not_exists(pk)" },
  },
  countCreation(team, rest.created),
];

/** Ends a session; fails under the name SESSION when there is none. */
export const removeSession = (team: string, id: string): Change => ({
  name: SESSION,
  key: sessionKey(team, id),
  remove: true,
  when: { expression: "attribute_exists(pk)" },
});

interface Stored extends Omit<SessionItem, "team" | "id" | "maker"> {
  readonly maker: string;
  readonly makerKind: SessionItem["maker"]["kind"];
}

/** A session of this team, ended or not. */
export const findSession = async (store: Store, team: string, id: string): Promise<SessionItem | null> => {
  const item = await store.get(sessionKey(team, id));
  if (item === null) return null;
  const { study, role, created, expires, maker, makerKind } = item as unknown as Stored;
  return { team, id, study, role, created, expires, maker: { kind: makerKind, id: maker } };
};
