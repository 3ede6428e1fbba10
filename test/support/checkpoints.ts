import type { Checkpoints } from "../../shared/ports.ts";

const BUCKET = "https://bucket.test/";
/** As many keys as one list has; few, so that lists have several pages. */
const PAGE = 3;

/** The bucket in memory: objects are there once a test uploads them. */
export class FakeCheckpoints implements Checkpoints {
  readonly keys = new Set<string>();
  lists = 0;

  async uploadUrl(key: string): Promise<string> {
    return `${BUCKET}${key}?put`;
  }

  async downloadUrl(key: string): Promise<string> {
    return `${BUCKET}${key}?get`;
  }

  async exists(key: string): Promise<boolean> {
    return this.keys.has(key);
  }

  /** Texts of the exports that were put. */
  readonly texts = new Map<string, string>();

  async put(key: string, text: string): Promise<void> {
    this.keys.add(key);
    this.texts.set(key, text);
  }

  async list(prefix: string, after: string): Promise<string[]> {
    this.lists++;
    return [...this.keys]
      .filter((key) => key.startsWith(prefix) && key > after)
      .sort()
      .slice(0, PAGE);
  }

  async remove(key: string): Promise<void> {
    this.keys.delete(key);
  }

  /** What the holder of an upload's URL does. */
  upload({ url }: { readonly url: string }): void {
    if (!url.endsWith("?put")) throw new Error(`Not a URL for an upload: ${url}`);
    this.keys.add(keyOf(url));
  }

  /** Whether the object of a URL exists. */
  has({ url }: { readonly url: string }): boolean {
    return this.keys.has(keyOf(url));
  }
}

const keyOf = (url: string): string => url.slice(BUCKET.length).replace(/\?.*$/, "");
