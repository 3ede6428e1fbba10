/** What a simulation came to. Times and resources are in full runs, of the mean length of random ones. */
export interface Simulated {
  /** When it ended at the latest. */
  readonly cap: number;
  /** The best known loss, and that of a typical configuration. */
  readonly best: number;
  readonly typical: number;
  readonly trials: number;
  /** How often a worker was given something to do. */
  readonly jobs: number;
  /** When it ended. */
  readonly until: number;
  /** The share of the workers' time in which they trained. */
  readonly busy: number;
  /** Each improvement of the lowest loss that any trial has had: time, resource, loss. */
  readonly trace: readonly (readonly [number, number, number])[];
}

export interface FidelityResult extends Simulated {
  readonly searcher: string;
  readonly version: string;
  readonly problem: string;
  readonly workers: number;
  readonly seed: number;
  /** CPU seconds of the searcher. */
  readonly seconds: number;
  /** `patience`: it was stopped because it had used too many CPU seconds. */
  readonly ended: "simulation" | "patience";
}
