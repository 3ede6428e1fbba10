export interface AdmissionLimits {
  /** Requests that are admitted at once. */
  readonly atOnce: number;
  /** Requests that wait for their turn; further ones are refused at once. */
  readonly waiting: number;
  /** How long a request waits at most. */
  readonly patienceMs: number;
}

/** A place in the queue. */
export interface Turn {
  /** True once the request may go on, false when it is refused: too many wait, or it has waited too long. */
  readonly admitted: Promise<boolean>;
  /** Gives the place up, in the queue or after it. Whoever asked for a turn calls it when the request is done; again does no harm. */
  leave(): void;
}

/**
 * A queue, first come first served, before something that takes only so many requests at once and refuses the others without
 * saying when to come back.
 */
export class Admission {
  readonly #limits: AdmissionLimits;
  /** Each calls back when it is its turn. */
  readonly #queue = new Set<() => void>();
  #running = 0;

  constructor(limits: AdmissionLimits) {
    this.#limits = limits;
  }

  enter(): Turn {
    const { atOnce, waiting, patienceMs } = this.#limits;
    if (this.#running < atOnce) return this.#runningTurn();
    if (this.#queue.size >= waiting) return { admitted: Promise.resolve(false), leave: () => {} };
    const { promise: admitted, resolve } = Promise.withResolvers<boolean>();
    let running: Turn | null = null;
    const begin = (): void => {
      clearTimeout(timer);
      this.#queue.delete(begin);
      running = this.#runningTurn();
      resolve(true);
    };
    const giveUp = (): void => {
      clearTimeout(timer);
      this.#queue.delete(begin);
      resolve(false);
    };
    const timer = setTimeout(giveUp, patienceMs);
    this.#queue.add(begin);
    return { admitted, leave: () => (running === null ? giveUp() : running.leave()) };
  }

  #runningTurn(): Turn {
    this.#running++;
    let isOver = false;
    const leave = (): void => {
      if (isOver) return;
      isOver = true;
      this.#running--;
      const [next] = this.#queue;
      next?.();
    };
    return { admitted: Promise.resolve(true), leave };
  }
}
