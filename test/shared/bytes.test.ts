import fc from "fast-check";
import { expect, test } from "vitest";
import { escapedBytes, utf8Bytes } from "../../shared/bytes.ts";

test("a text has its bytes in UTF-8, and within a JSON string those of its escapes too", () => {
  expect([utf8Bytes(""), utf8Bytes("ü"), utf8Bytes("😀")]).toEqual([0, 2, 4]);
  expect([escapedBytes("a"), escapedBytes('"'), escapedBytes("\\"), escapedBytes("\n")]).toEqual([
    1, 2, 2, 2,
  ]);
  fc.assert(
    fc.property(fc.string({ unit: "grapheme" }), (text) => {
      expect(utf8Bytes(text)).toBe(Buffer.byteLength(text));
      expect(escapedBytes(text)).toBe(
        Buffer.byteLength(JSON.stringify({ body: text })) - '{"body":""}'.length,
      );
    }),
  );
});
