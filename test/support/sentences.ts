import fc from "fast-check";

/** For tests of tables of sentences: every kind of fact, with generated values. */

/** The facts of each kind. Its type makes a kind without an entry a compile error. */
export type FactsByKind<F extends { readonly kind: string }> = {
  readonly [K in F["kind"]]: fc.Arbitrary<Omit<Extract<F, { readonly kind: K }>, "kind">>;
};

export const count = fc.integer({ min: 0, max: 1_000_000 });
export const hours = fc.double({ min: 0, max: 1e6, noNaN: true });
export const none = fc.constant({});

/** All kinds of a table, each with its generated facts. */
export const kindsOf = <F extends { readonly kind: string }>(
  table: FactsByKind<F>,
): readonly [F["kind"], fc.Arbitrary<F>][] =>
  Object.entries<fc.Arbitrary<object>>(table).map(([kind, facts]) => [
    kind as F["kind"],
    facts.map((rest) => ({ kind, ...rest }) as unknown as F),
  ]);

/** What never belongs into words that a person reads. */
export const NOT_WORDS = /undefined|NaN|null|\[object|\$\{|Infinity| {2}|^\s|\s$/;

/** One word that no sentence has by itself, so that a test sees where it went. */
export const word = fc.stringMatching(/^[a-z]{4,8}q[a-z]{4}$/).filter((text) => !NOT_WORDS.test(text));

/** What of the facts must appear in the sentence: the generated words, and whole numbers. */
export const shownOf = (facts: object): string[] =>
  Object.values(facts).flatMap((value) => {
    if (typeof value === "string") return /^[a-z]{4,8}q[a-z]{4}$/.test(value) ? [value] : [];
    return Number.isInteger(value) ? [String(value)] : [];
  });
