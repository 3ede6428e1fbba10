import { randomBytes } from "node:crypto";
import fc from "fast-check";
import { expect, test } from "vitest";
import {
  hashToken,
  issueJobToken,
  issueToken,
  matchesHash,
  parseCredential,
} from "../../../shared/auth/token.ts";

test("an issued token is read back as what it is", () => {
  const { id, token, hash } = issueToken(randomBytes);
  expect(token).toMatch(/^hone_[a-z2-7]{12}_[A-Za-z0-9_-]{43}$/);
  expect(parseCredential(`Bearer ${token}`)).toEqual({ kind: "token", id, token });
  expect(matchesHash(token, hash)).toBe(true);

  for (const kind of ["bootstrap", "trial"] as const) {
    const job = issueJobToken(kind, 1_000_000, randomBytes);
    expect(job.token).toMatch(/^hone_[bt]1000000_[A-Za-z0-9_-]{43}$/);
    expect(parseCredential(`bearer ${job.token}`)).toEqual({ kind, attempt: 1_000_000, token: job.token });
  }
});

test("no two tokens are alike, and a hash tells nothing but equality", () => {
  const issued = Array.from({ length: 200 }, () => issueToken(randomBytes));
  expect(new Set(issued.map(({ token }) => token)).size).toBe(200);
  expect(new Set(issued.map(({ id }) => id)).size).toBe(200);
  const [one, other] = issued;
  expect(matchesHash(one?.token ?? "", other?.hash ?? "")).toBe(false);
  expect(one?.hash).toMatch(/^[0-9a-f]{64}$/);
});

test("a stored hash of another length matches nothing", () => {
  expect(matchesHash("hone_x", "")).toBe(false);
  expect(matchesHash("hone_x", `${hashToken("hone_x")}00`)).toBe(false);
});

test.each([
  undefined,
  "",
  "Bearer",
  "Bearer ",
  "Basic dXNlcjpwYXNz",
  `Bearer hone_abcdefghijkl_${"a".repeat(42)}`,
  `Bearer hone_abcdefghijkl_${"a".repeat(44)}`,
  `Bearer hone_abcdefghijk_${"a".repeat(43)}`,
  `Bearer hone_b0_${"a".repeat(43)}`,
  `Bearer hone_x1_${"a".repeat(43)}`,
  `Bearer hone_ABCDEFGHIJKL_${"a".repeat(43)}`,
  `Bearer hone_abcdefghijkl_${"a".repeat(42)}\n`,
  `Bearer hone_abcdefghijkl_${"a".repeat(43)} x`,
  `Bearer ${"a".repeat(9000)}`,
])("%j is no credential", (header) => {
  expect(parseCredential(header)).toBeNull();
});

test("any text at all is a credential or null, and never an error", () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      expect(parseCredential(`Bearer hone_${text}`)).toBeNull();
    }),
  );
});
