/** Trials that one execution runs at once: an inline Map has no more slots. */
export const CHUNK_PARALLEL = 40;
/** Trials that one execution runs: each adds up to 10 events to a history of at most 25,000. */
export const CHUNK_TRIALS = 2000;

/** Which part of the trials that run side by side. */
export interface Chunk {
  readonly chunk: number;
  /** How many parts there are. */
  readonly of: number;
}

/** Divides trials, and those that run at once, among as few executions as hold them. */
export const chunksOf = (trials: number, parallel: number): (Chunk & { readonly parallel: number })[] => {
  const slots = Math.min(trials, parallel);
  const of = Math.ceil(slots / CHUNK_PARALLEL);
  return Array.from({ length: of }, (_, chunk) => ({
    chunk,
    of,
    parallel: Math.floor(slots / of) + Number(chunk < slots % of),
  }));
};
