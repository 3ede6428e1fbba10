/**
 * A table of sentences: per kind of fact a function from the facts to plain English. Errors, notices and reasons hold the
 * facts, code branches on them, and only the edge makes sentences of them.
 */
export type Sentences = Readonly<Record<string, (facts: never) => string>>;

/** The facts that a table has sentences for: `kind`, and what the sentence of that kind takes. */
export type FactsOf<T extends Sentences> = {
  readonly [K in keyof T]: { readonly kind: K } & (Parameters<T[K]> extends [infer F]
    ? Readonly<F>
    : unknown);
}[keyof T];

/** Makes the function that words facts by a table. */
export const wording =
  <T extends Sentences>(table: T) =>
  (facts: FactsOf<T>): string =>
    (table[facts.kind] as (facts: FactsOf<T>) => string)(facts);
