import { type Attributes, compareText } from "./value.ts";

/** The string keys of an item. */
export interface Key {
  readonly pk: string;
  readonly sk: string;
}

/** Where an item is, or would be, in its partition. */
interface Place {
  readonly at: number;
  readonly found: boolean;
}

interface Entry {
  readonly sk: string;
  readonly item: Attributes;
}

/** Items by partition, in the order of their sort keys. An item is never changed, only replaced. */
export class Partitions {
  readonly #partitions = new Map<string, Entry[]>();

  /** The key of every item. */
  keys(): Key[] {
    return [...this.#partitions].flatMap(([pk, entries]) => entries.map(({ sk }) => ({ pk, sk })));
  }

  get({ pk, sk }: Key): Attributes | null {
    const entries = this.#partitions.get(pk) ?? [];
    const { at, found } = findPlace(entries, sk);
    return found ? (entries[at]?.item ?? null) : null;
  }

  /** @param item null removes. */
  put({ pk, sk }: Key, item: Attributes | null): void {
    const entries = this.#partitions.get(pk) ?? [];
    const { at, found } = findPlace(entries, sk);
    entries.splice(at, found ? 1 : 0, ...(item === null ? [] : [{ sk, item }]));
    if (entries.length === 0) this.#partitions.delete(pk);
    else this.#partitions.set(pk, entries);
  }

  /** Every item, by partition. */
  *all(): Generator<Attributes> {
    for (const entries of this.#partitions.values()) for (const { item } of entries) yield item;
  }

  /** Items from one sort key to another, both included, in order. */
  *between(pk: string, from: string, to: string): Generator<Attributes> {
    const entries = this.#partitions.get(pk) ?? [];
    for (let i = findPlace(entries, from).at; i < entries.length; i++) {
      const entry = entries[i];
      if (entry === undefined || compareText(entry.sk, to) > 0) return;
      yield entry.item;
    }
  }
}

const findPlace = (entries: readonly Entry[], sk: string): Place => {
  let low = 0;
  let high = entries.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    const order = compareText(entries[middle]?.sk ?? "", sk);
    if (order === 0) return { at: middle, found: true };
    if (order < 0) low = middle + 1;
    else high = middle;
  }
  return { at: low, found: false };
};
