import type { Rights } from "../../auth/authorize.ts";
import { Forbidden, StudyNotFound } from "../../errors.ts";
import { randomLetters } from "../../letters.ts";
import { type CreateCredentialsBody, type Credentials, SESSION_SECONDS } from "../../schemas/credentials.ts";
import { findHead } from "../../store/head.ts";
import { newSession, type SessionItem } from "../../store/session.ts";
import { checkpointsOf } from "../../study/checkpoint.ts";
import type { LoadedStudy } from "../../study/study.ts";
import { timestamp } from "../../study/view.ts";
import { commit } from "../core/commit.ts";
import type { ApiDeps, WriteContext } from "../core/deps.ts";
import { mayGive } from "./authenticate-iam.ts";
import { creationRefusals } from "./creation-limits.ts";

const ID_LETTERS = "abcdefghijklmnopqrstuvwxyz234567";
const ID_LENGTH = 12;

/** Who asks: a token, or a session of a team's role. */
export type Maker = SessionItem["maker"] & Rights;

/**
 * Makes AWS credentials for one study. The session is stored before AWS is asked, so that none is in use that cannot be
 * ended; the secrets are in this answer and nowhere else.
 * @throws StudyNotFound for one that is being deleted; Forbidden for a role that the maker has not; RateLimited;
 *   Unavailable when AWS makes none.
 */
export const createCredentials = async (
  deps: Pick<ApiDeps, "store" | "clock" | "randomBytes" | "identities" | "log">,
  study: LoadedStudy,
  { seconds = SESSION_SECONDS.most, role = "editor" }: CreateCredentialsBody,
  maker: Maker,
  write: WriteContext,
): Promise<Credentials> => {
  if (!mayGive(maker, role)) {
    throw new Forbidden({
      kind: "role-not-allowed",
      role: maker.role ?? maker.granted ?? "none",
      action: `role ${role}`,
    });
  }
  const session = await store(deps, study, write, {
    seconds,
    role,
    maker: { kind: maker.kind, id: maker.id },
  });
  const prefix = checkpointsOf(study);
  const { region, api, bucket } = deps.identities;
  const secrets = await made(deps, { id: session.id, team: study.team, study: study.id, prefix, seconds });
  return {
    id: session.id,
    accessKeyId: secrets.accessKeyId,
    secretAccessKey: secrets.secretAccessKey,
    sessionToken: secrets.sessionToken,
    expires: timestamp(Math.min(secrets.expires, session.expires)),
    role,
    region,
    api,
    bucket,
    prefix,
  };
};

type Wanted = Pick<SessionItem, "role" | "maker"> & { readonly seconds: number };

const store = (
  deps: Pick<ApiDeps, "store" | "clock" | "randomBytes">,
  study: LoadedStudy,
  { audit }: WriteContext,
  { seconds, role, maker }: Wanted,
): Promise<SessionItem> =>
  commit(deps, { receipt: null, ...(audit !== undefined && { audit }) }, async () => {
    const head = await findHead(deps.store, study.id);
    if (head === null || head.state === "deleting") throw new StudyNotFound(study.id);
    const created = deps.clock();
    const id = randomLetters(deps.randomBytes, ID_LETTERS, ID_LENGTH);
    const expires = created + seconds * 1000;
    const session = { team: study.team, id, study: study.id, role, created, expires, maker };
    return { changes: newSession(session), answer: session, refusals: creationRefusals(created) };
  });

/** What AWS says when it makes none is for the log: it names roles and accounts. */
const made = async (
  { identities, log }: Pick<ApiDeps, "identities" | "log">,
  request: Parameters<ApiDeps["identities"]["makeSession"]>[0],
) => {
  try {
    return await identities.makeSession(request);
  } catch (error) {
    const { name, message } =
      error instanceof Error && error.cause instanceof Error ? error.cause : { name: "unknown", message: "" };
    log("session-refused", { study: request.study, session: request.id, error: name, message });
    throw error;
  }
};
