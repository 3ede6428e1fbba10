import { escapedBytes } from "../bytes.ts";
import { MAX_REPLY_BYTES } from "./capacity.ts";

/** Pages of an answer end by bytes as well as by count: a single trial may have thousands of metrics. */

/** Bytes of JSON in one page, as a reply counts them, unless its first item alone has more. */
export const PAGE_BYTES = MAX_REPLY_BYTES - 500_000;

/**
 * Fills a page.
 * @param most bytes of JSON that the page holds.
 * @returns a function that takes the items of the page one after the other and says of each whether it still fits; the
 *   first one always does. `extra` is what an item takes beside its JSON, in bytes.
 */
export const fillPage = (most = PAGE_BYTES): ((item: unknown, extra?: number) => boolean) => {
  let bytes = 0;
  return (item, extra = 0) => {
    const size = escapedBytes(JSON.stringify(item)) + 1 + extra;
    if (bytes > 0 && bytes + size > most) return false;
    bytes += size;
    return true;
  };
};

/** The first items that fit into a page. */
export const firstPage = <T>(items: readonly T[], most = PAGE_BYTES): T[] => {
  const fits = fillPage(most);
  const end = items.findIndex((item) => !fits(item));
  return items.slice(0, end === -1 ? items.length : end);
};
