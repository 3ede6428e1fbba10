import { type JSONPath, type JSONVisitor, printParseErrorCode, visit } from "jsonc-parser";
import { InvalidJson, invalid, TooLarge } from "../../shared/errors.ts";
import { pointerTo } from "./pointer.ts";

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
 * Parses a request body.
 * @throws InvalidJson, TooLarge (nesting), InvalidInput (a number or text that cannot be kept exactly)
 */
export const parseStrictJson = (text: string): unknown => {
  visit(text, strictVisitor(text), { disallowComments: true, allowTrailingComma: false });
  try {
    return JSON.parse(text);
  } catch {
    throw new InvalidJson("The body is not valid JSON.");
  }
};

const strictVisitor = (text: string): JSONVisitor => {
  const seen: Set<string>[] = [];
  let depth = 0;
  const enter = () => {
    depth++;
    if (depth > MAX_DEPTH) throw new TooLarge(`The body is nested deeper than ${MAX_DEPTH} levels.`);
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
        throw new InvalidJson(`The key ${JSON.stringify(key)} stands twice in one object.`, pointer);
      }
      keys?.add(key);
      if (UNSAFE_KEYS.has(key)) {
        throw invalid(pointerTo([...path(), key]), `The name ${key} is reserved. Choose another.`);
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
  throw invalid(pointerTo(path()), "The text holds half of a surrogate pair, which is not a character.");
};

/**
 * Accepts a double that is written exactly, or as JavaScript and Python print it. Refuses an integer that a double would
 * change silently.
 */
const refuseInexact = (literal: string, value: number, path: () => JSONPath): void => {
  if (!Number.isFinite(value)) {
    throw invalid(
      pointerTo(path()),
      `${literal} is beyond every finite double. ${HINT}`,
      "non-finite-metric",
    );
  }
  if (Number.isSafeInteger(value) || !INTEGER.test(literal)) return;
  if (BigInt(literal) === BigInt(value) || literal === String(value)) return;
  throw invalid(
    pointerTo(path()),
    `The integer ${literal} would become ${BigInt(value)}. Send integers beyond 2^53 - 1 as text, or as a float (1.5e20).`,
    "unsafe-integer",
  );
};

const HINT =
  'JSON has no such number: send the text "nan", "inf" or "-inf", or tell the trial as failed with {"failed": {"reason": "..."}}.';

const syntaxError = (code: number, from: string, line: number, column: number): InvalidJson => {
  const at = `line ${line}, column ${column}`;
  const [token] = NON_FINITE.exec(from) ?? [];
  if (token !== undefined) return new InvalidJson(`${token} at ${at} is not JSON. ${HINT}`);
  return new InvalidJson(`The body is not valid JSON at ${at}${REASONS[printParseErrorCode(code)] ?? ""}.`);
};

/** The parser's codes, as far as there is more to say than where. */
const REASONS: Readonly<Partial<Record<string, string>>> = {
  PropertyNameExpected: ": a key in double quotes is expected",
  ColonExpected: ": a colon is expected",
  CommaExpected: ": a comma is expected",
  ValueExpected: ": a value is expected",
  CloseBraceExpected: ": } is expected",
  CloseBracketExpected: ": ] is expected",
  EndOfFileExpected: ": something follows the value",
  InvalidCommentToken: ": JSON has no comments",
  UnexpectedEndOfString: ": a text is not closed",
  InvalidEscapeCharacter: ": an escape is not valid",
  InvalidCharacter: ": a control character must be escaped",
};
