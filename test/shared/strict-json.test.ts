import fc from "fast-check";
import { expect, test } from "vitest";
import { DomainError } from "../../shared/errors.ts";
import { parseStrictJson } from "../../shared/strict-json.ts";

const refusal = (text: string) => {
  try {
    parseStrictJson(text);
  } catch (error) {
    if (error instanceof DomainError)
      return { type: error.type, pointer: error.pointer, detail: error.message };
    throw error;
  }
  throw new Error(`accepted: ${text.slice(0, 100)}`);
};

test.each([
  ['{"value": NaN}', "NaN"],
  ['{"values": {"loss": Infinity}}', "Infinity"],
  ["[-Infinity]", "-Infinity"],
  ['{"a": nan}', "nan"],
  ['{"a": +inf, "b": 1}', "+inf"],
])("a bare non-finite number in %s is refused with a hint", (text, token) => {
  const { type, detail } = refusal(text);
  expect(type).toBe("invalid-json");
  expect(detail).toContain(`${token} at line 1`);
  expect(detail).toContain('send the string "nan"');
  expect(detail).toContain('"failed"');
});

test("the same key twice in one object is refused with a pointer to it, even if it is escaped differently", () => {
  expect(refusal('{"value":1,"value":2}')).toMatchObject({ type: "invalid-json", pointer: "/value" });
  expect(refusal('{"a":[{"b":1,"\\u0062":1}]}')).toMatchObject({ type: "invalid-json", pointer: "/a/0/b" });
  expect(parseStrictJson('{"a":{"a":1},"b":{"a":1}}')).toEqual({ a: { a: 1 }, b: { a: 1 } });
});

test("a number larger than the largest double is refused with a pointer to it", () => {
  expect(refusal('{"values":{"a/b":1e999}}')).toMatchObject({
    type: "non-finite-metric",
    pointer: "/values/a~1b",
  });
  expect(refusal("[1,-1e400]")).toMatchObject({ type: "non-finite-metric", pointer: "/1" });
});

test("an integer that a double cannot hold is refused with a pointer to it", () => {
  expect(refusal('{"params":{"n":9007199254740993}}')).toMatchObject({
    type: "unsafe-integer",
    pointer: "/params/n",
  });
  expect(refusal("[12345678901234567891]")).toMatchObject({ type: "unsafe-integer", pointer: "/0" });
});

test("large doubles are accepted in the formats of different languages", () => {
  for (const text of [
    "1e20",
    "1e+20",
    "100000000000000000000",
    "9007199254740992",
    "1e300",
    "5e-324",
    "-0",
  ]) {
    expect(Object.is(parseStrictJson(text), Number(text)), text).toBe(true);
  }
});

test("keys that could change JavaScript prototypes are refused", () => {
  for (const key of ["__proto__", "constructor", "prototype"]) {
    expect(refusal(`{"space":{"${key}":{}}}`)).toMatchObject({
      type: "invalid-input",
      pointer: `/space/${key}`,
    });
  }
  expect(refusal('{"\\u005f_proto__":{}}')).toMatchObject({ pointer: "/__proto__" });
});

test("200,000 nested arrays are refused without a stack overflow", () => {
  expect(refusal("[".repeat(200_000)).type).toBe("too-large");
  expect(refusal(`${"[".repeat(33)}${"]".repeat(33)}`).type).toBe("too-large");
  expect(parseStrictJson(`${"[".repeat(32)}${"]".repeat(32)}`)).toBeTruthy();
});

test("half a surrogate pair is refused in keys and in strings", () => {
  expect(refusal('{"\\ud800":1}')).toMatchObject({ type: "invalid-input" });
  expect(refusal('{"a":["\\udc00x"]}')).toMatchObject({ type: "invalid-input", pointer: "/a/0" });
  expect(parseStrictJson('"\\ud83d\\ude00"')).toBe("😀");
});

test("invalid JSON is refused with the position, without quoting the body", () => {
  expect(refusal('{"token": "hone_secret",\n  oops}').detail).toBe(
    "The body is not valid JSON at line 2, column 3.",
  );
  for (const text of [
    "",
    "{",
    '{"a":1,}',
    "[1 2]",
    "// x\n1",
    "01",
    "1.",
    '"\n"',
    "\ufeff{}",
    "{'a':1}",
    "tru",
    "1 2",
  ]) {
    expect(refusal(text).type, text).toBe("invalid-json");
  }
});

/** Any JSON value that breaks none of the rules. */
const plainJson = fc.jsonValue({ maxDepth: 6, noUnicodeString: false }).filter((value) => {
  const text = JSON.stringify(value);
  return !/__proto__|constructor|prototype/.test(text) && text.isWellFormed() && !/\\ud[89a-f]/i.test(text);
});

test("what JSON.stringify writes is read as JSON.parse reads it", () => {
  fc.assert(
    fc.property(plainJson, fc.constantFrom(undefined, 2), (value, indent) => {
      const text = JSON.stringify(value, null, indent);
      expect(parseStrictJson(text)).toEqual(JSON.parse(text));
    }),
    { numRuns: 500 },
  );
});

test("every finite double is read back bit for bit", () => {
  fc.assert(
    fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (value) => {
      expect(Object.is(parseStrictJson(JSON.stringify(value)), value === 0 ? 0 : value)).toBe(true);
    }),
    { numRuns: 2000 },
  );
});

/** Almost valid JSON: valid JSON with one character replaced, removed or inserted. */
const almostJson = fc
  .tuple(
    plainJson,
    fc.nat(),
    fc.constantFrom("", "{", "}", "[", "]", ",", ":", '"', "\\", "-", "0", "e", "N", " ", "\u0000"),
  )
  .map(([value, at, character]) => {
    const text = JSON.stringify(value);
    const i = at % (text.length + 1);
    return text.slice(0, i) + character + text.slice(i + (at % 2));
  });

test("a text is accepted only if JSON.parse accepts it, with the same value, and otherwise refused as a domain error", () => {
  fc.assert(
    fc.property(fc.oneof(almostJson, fc.string()), (text) => {
      let value: unknown;
      try {
        value = parseStrictJson(text);
      } catch (error) {
        expect(error).toBeInstanceOf(DomainError);
        return;
      }
      expect(value).toEqual(JSON.parse(text));
    }),
    { numRuns: 3000 },
  );
});

test("valid JSON is refused only for one of the rules", () => {
  const rules = ["invalid-json", "too-large", "invalid-input", "non-finite-metric", "unsafe-integer"];
  fc.assert(
    fc.property(almostJson, (text) => {
      try {
        JSON.parse(text);
      } catch {
        return;
      }
      try {
        parseStrictJson(text);
      } catch (error) {
        expect(error).toBeInstanceOf(DomainError);
        const { type, message } = error as DomainError;
        expect(rules).toContain(type);
        expect(message).not.toContain("is not valid JSON");
      }
    }),
    { numRuns: 3000 },
  );
});
