import { createHash, timingSafeEqual } from "node:crypto";
import { randomLetters } from "../letters.ts";

/**
 * The credentials of the API. Each carries 256 random bits, so a plain SHA-256 is all that is stored of it.
 *
 *   hone_<id>_<secret>          a user's token; the id (12 letters and digits) finds it
 *   hone_b<attempt>_<secret>    bootstrap: may claim one attempt, once
 *   hone_t<attempt>_<secret>    trial: may report and tell that attempt
 */
export type Credential =
  | { readonly kind: "token"; readonly id: string; readonly token: string }
  | { readonly kind: "bootstrap" | "trial"; readonly attempt: number; readonly token: string };

/** A new secret: `token` goes to its holder and nowhere else, `hash` (SHA-256, hex) to the store. */
export interface Issued {
  readonly token: string;
  readonly hash: string;
}

type RandomBytes = (count: number) => Uint8Array;

const ID_LETTERS = "abcdefghijklmnopqrstuvwxyz234567";
const ID_LENGTH = 12;
const SECRET_BYTES = 32;

/** A token for a person or program. */
export const issueToken = (randomBytes: RandomBytes): Issued & { readonly id: string } => {
  const id = randomLetters(randomBytes, ID_LETTERS, ID_LENGTH);
  return { id, ...issue(id, randomBytes) };
};

/** Another secret for a token that exists. */
export const issueSecret = (id: string, randomBytes: RandomBytes): Issued => issue(id, randomBytes);

/** A token for one attempt of a trial: `bootstrap` goes into the job's environment, `trial` answers its claim. */
export const issueJobToken = (
  kind: "bootstrap" | "trial",
  attempt: number,
  randomBytes: RandomBytes,
): Issued => issue(`${kind === "bootstrap" ? "b" : "t"}${attempt}`, randomBytes);

const issue = (label: string, randomBytes: RandomBytes): Issued => {
  const token = `hone_${label}_${Buffer.from(randomBytes(SECRET_BYTES)).toString("base64url")}`;
  return { token, hash: hashToken(token) };
};

/** SHA-256 of a token, in hex. */
export const hashToken = (token: string): string => createHash("sha256").update(token).digest("hex");

/** Whether a token is the one whose hash was stored; takes the same time wherever they differ. */
export const matchesHash = (token: string, hash: string): boolean => {
  const given = Buffer.from(hashToken(token));
  const stored = Buffer.from(hash);
  return given.length === stored.length && timingSafeEqual(given, stored);
};

const BEARER = /^bearer +(hone_([a-z0-9]{1,12})_[A-Za-z0-9_-]{43})$/i;
const JOB_LABEL = /^([bt])([1-9][0-9]{0,6})$/;
const ID = /^[a-z0-9]{12}$/;

/** Reads an Authorization header. @returns null for anything that cannot be one of our tokens. */
export const parseCredential = (header: string | undefined): Credential | null => {
  const [, token, label] = BEARER.exec(header ?? "") ?? [];
  if (token === undefined || label === undefined) return null;
  if (ID.test(label)) return { kind: "token", id: label, token };
  const [, letter, attempt] = JOB_LABEL.exec(label) ?? [];
  if (letter === undefined) return null;
  return { kind: letter === "b" ? "bootstrap" : "trial", attempt: Number(attempt), token };
};
