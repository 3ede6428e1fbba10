import { type JSONPath, type JSONVisitor, printParseErrorCode, visit } from "jsonc-parser";
import { InvalidJson, invalid, TooLarge } from "./errors.ts";
import { pointerTo } from "./json-pointer.ts";

/**
 * JSON that every parser reads the same way. `JSON.parse` alone keeps the last of two equal keys, rounds integers, reads
 * 1e999 as Infinity, and accepts 200,000 nested arrays, which overflow the stack of recursive code. Here each of these is an
 * error with its position.
 */

/** More than any body of the API needs. */
const MAX_DEPTH = 32;

/** Keys that could change JavaScript prototypes. */
const UNSAFE_KEYS = new Set(["__proto__", "constructor", "prototype"]);

const NON_FINITE = /^[-+]?(nan|inf(inity)?)\b/i;
const LONGEST_TOKEN = "-Infinity,".length;
const INTEGER = /^-?\d+$/;

/**
 * Parses a request body, or a file that becomes one.
 * @throws InvalidJson, TooLarge (nesting), InvalidInput (a number or text that cannot be kept exactly)
 */
export const parseStrictJson = (text: string): unknown => {
  visit(text, strictVisitor(text), { disallowComments: true, allowTrailingComma: false });
  try {
    return JSON.parse(text);
  } catch {
    throw new InvalidJson({ kind: "not-json" });
  }
};

const strictVisitor = (text: string): JSONVisitor => {
  const seen: Set<string>[] = [];
  let depth = 0;
  const enter = () => {
    depth++;
    if (depth > MAX_DEPTH) throw new TooLarge({ kind: "body-too-deep", levels: MAX_DEPTH });
  };
  return {
    onObjectBegin: () => {
      enter();
      seen.push(new Set());
    },
    onObjectEnd: () => {
      depth--;
      seen.pop();
    },
    onArrayBegin: enter,
    onArrayEnd: () => {
      depth--;
    },
    onObjectProperty: (key, _offset, _length, _line, _character, path) => {
      const keys = seen.at(-1);
      if (keys?.has(key)) {
        const pointer = pointerTo([...path(), key]);
        throw new InvalidJson({ kind: "key-twice", key }, pointer);
      }
      keys?.add(key);
      if (UNSAFE_KEYS.has(key)) {
        throw invalid(pointerTo([...path(), key]), { kind: "name-reserved", name: key });
      }
      refuseBrokenText(key, () => [...path(), key]);
    },
    onLiteralValue: (value, offset, length, _line, _character, path) => {
      if (typeof value === "number") refuseInexact(text.slice(offset, offset + length), value, path);
      if (typeof value === "string") refuseBrokenText(value, path);
    },
    onError: (code, offset, _length, line, character) => {
      throw syntaxError(code, text.slice(offset, offset + LONGEST_TOKEN), line + 1, character + 1);
    },
  };
};

const refuseBrokenText = (text: string, path: () => JSONPath): void => {
  if (text.isWellFormed()) return;
  throw invalid(pointerTo(path()), { kind: "half-surrogate" });
};

/**
 * Accepts a double that is written exactly, or as JavaScript and Python print it. Refuses an integer that a double would
 * change silently.
 */
const refuseInexact = (literal: string, value: number, path: () => JSONPath): void => {
  if (!Number.isFinite(value)) {
    throw invalid(pointerTo(path()), { kind: "beyond-doubles", literal }, "non-finite-metric");
  }
  if (Number.isSafeInteger(value) || !INTEGER.test(literal)) return;
  if (BigInt(literal) === BigInt(value) || literal === String(value)) return;
  throw invalid(
    pointerTo(path()),
    { kind: "inexact-integer", literal, becomes: String(BigInt(value)) },
    "unsafe-integer",
  );
};

const syntaxError = (code: number, from: string, line: number, column: number): InvalidJson => {
  const [literal] = NON_FINITE.exec(from) ?? [];
  if (literal !== undefined) return new InvalidJson({ kind: "non-finite-literal", literal, line, column });
  return new InvalidJson({ kind: "syntax-error", line, column, code: printParseErrorCode(code) });
};
