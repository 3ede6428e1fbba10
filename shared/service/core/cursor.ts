import { createHash } from "node:crypto";
import { invalid } from "../../errors.ts";

/**
 * Cursors of the lists that are read in pages. A cursor holds the place where the next page begins and a checksum over
 * that place and the list, so that a cursor that was cut, made up, or belongs to another list, study or team is refused
 * and not answered with some page. It is no secret and no right: whoever may read a list may read all of its pages.
 */
export interface Cursors {
  /** The cursor of the page after this place. */
  write(place: string): string;
  /**
   * The place that a cursor names; null without a cursor: the first page.
   * @throws InvalidInput pointing at `/cursor`.
   */
  read(cursor: string | undefined): string | null;
}

/** Bytes of the checksum: enough that no slip of a caller passes. */
const CHECK = 9;

/**
 * @param list names the list and whose it is, as `studies of acme`.
 * @param form how its places are written, as the source of a regular expression.
 */
export const cursorsOf = (list: string, form: string): Cursors => {
  const whole = new RegExp(`^(?:${form})$`);
  const write = (place: string): string =>
    Buffer.concat([checksum(list, place), Buffer.from(place)]).toString("base64url");
  return {
    write,
    read: (cursor) => {
      if (cursor === undefined) return null;
      const place = Buffer.from(cursor, "base64url").subarray(CHECK).toString();
      if (whole.test(place) && write(place) === cursor) return place;
      throw invalid("/cursor", { kind: "cursor-of-no-page" });
    },
  };
};

const checksum = (list: string, place: string): Buffer =>
  createHash("sha256")
    .update(JSON.stringify([list, place]))
    .digest()
    .subarray(0, CHECK);
