const KIB = 1024;

/** Capacity that requests consumed. A read unit is 4 KB read strongly consistent, a write unit 1 KB written. */
export interface Units {
  readonly read: number;
  readonly write: number;
}

/** Counts units from the sizes of items, as DynamoDB charges them. What finds nothing costs as the smallest item. */
export class Meter {
  #read = 0;
  #write = 0;

  /** What was consumed since the start, or since `reset`. */
  get consumed(): Units {
    return { read: this.#read, write: this.#write };
  }

  reset(): void {
    this.#read = 0;
    this.#write = 0;
  }

  /** @param bytes of an item, or of all items of a page together. */
  read(bytes: number, isConsistent: boolean): void {
    this.#read += units(bytes, 4 * KIB) * (isConsistent ? 1 : 0.5);
  }

  readInTransaction(bytes: number): void {
    this.#read += 2 * units(bytes, 4 * KIB);
  }

  /** @param bytes of the larger one of the item before and the item after. A failed condition costs as much. */
  write(bytes: number, inTransaction: boolean): void {
    this.#write += units(bytes, KIB) * (inTransaction ? 2 : 1);
  }
}

const units = (bytes: number, unit: number): number => Math.max(1, Math.ceil(bytes / unit));
