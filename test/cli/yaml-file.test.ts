import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { readYaml } from "../../cli/yaml-file.ts";

const file = (text: string) => {
  const path = join(mkdtempSync(join(tmpdir(), "hone-yaml-")), "sweep.yaml");
  writeFileSync(path, text);
  return path;
};

test.each([
  ["a: 1\nb: [x, 1.5, 1e20, true, null]\n", { a: 1, b: ["x", 1.5, 1e20, true, null] }],
  ["cron: 0 3 * * ? *", { cron: "0 3 * * ? *" }],
  ["cron: '*/5 * * * ? *'", { cron: "*/5 * * * ? *" }],
  ["at: 2026-12-01T03:00:00Z\ncountry: no", { at: "2026-12-01T03:00:00Z", country: "no" }],
  ["a: &space {x: 1}\nb: *space", { a: { x: 1 }, b: { x: 1 } }],
  [' {"a": [1, "x"]}', { a: [1, "x"] }],
  ["", null],
])("%j says %j", (text, value) => {
  expect(readYaml(file(text)).value).toEqual(value);
});

test.each([
  ["", "line 1, /"],
  ["/a", "line 1, /a"],
  ["/b", "line 2, /b"],
  ["/b/c", "line 3, /b/c"],
  ["/b/list/1", "line 5, /b/list/1"],
  ["/b/list/1/x", "line 5, /b/list/1/x"],
  ["/b/list/7/x", "line 4, /b/list/7/x"],
  ["/b/missing/deeper", "line 2, /b/missing/deeper"],
  ["/missing", "line 1, /missing"],
  ["/e~1f", "line 6, /e~1f"],
  ["/e~1f/g", "line 6, /e~1f/g"],
])("what %j points at is at %j", (pointer, place) => {
  const text = "a: 1\nb:\n  c: 2\n  list: [1,\n    {x: 3}]\ne/f: text\n";
  expect(readYaml(file(text)).placeOf(pointer)).toBe(place);
});

test("lines of JSON are known too, and an empty file has none", () => {
  expect(readYaml(file('{\n "a": {\n  "b": 1}}')).placeOf("/a/b")).toBe("line 3, /a/b");
  expect(readYaml(file("")).placeOf("/a/b")).toBe("/a/b");
});

test.each([
  ["a: 1\na: 2\n", ", line 2: Map keys must be unique."],
  ["a: 1\ncron: */5 * * * ? *\n", ", line 2: A text that begins with * needs quotes."],
  ["a:\n  - 9007199254740993\n", ", line 2: The integer 9007199254740993 would become 9007199254740992. "],
  ["a: 1\nb: .nan\n", ", line 2: .nan is no number that JSON has."],
  ["a: -1e999\n", ", line 1: -1e999 is no number that JSON has."],
  ["a: !!binary aGk=\n", ", line 1: The tag tag:yaml.org,2002:binary means nothing here."],
  ["a: !secret x\n", ", line 1: Unresolved tag: !secret."],
  ["a: 1\n---\nb: 2\n", ", line 2: The file goes on after its end, --- or ..."],
  ["a:\n\t- 1\n", ", line 2: Tabs are not allowed as indentation."],
  ["a: [1,\n", ", line 2: "],
  ["a: *\n", ", line 1: A text that begins with * needs quotes."],
  [' {"name": "a", "name": "b"}', ": /name: "],
  ['{"a": NaN}', ": NaN at line 1"],
])("%j is refused, with its line", (text, said) => {
  const path = file(text);
  expect(() => readYaml(path)).toThrow(`${path}${said}`);
});
