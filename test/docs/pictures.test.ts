import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { pictures } from "../../docs/pictures/draw.ts";

const methods = join(import.meta.dirname, "../../docs/methods");
const names = Object.keys(pictures);
const read = (file: string) => readFileSync(join(methods, file), "utf8");

test.each(names)("%s is drawn from the stored run, and shown on a page", (name) => {
  expect(read(name), "npm run pictures draws it again").toBe(pictures[name]?.());
  expect(read(`${name.slice(0, name.lastIndexOf("-"))}.md`)).toContain(`](${name})`);
});

test.each(names)(
  "%s has a title, a colour for light and one for dark pages, and no number that is none",
  (name) => {
    const svg = read(name);
    expect(svg).toMatch(/<title>[^<]+<\/title>/);
    expect(svg).toContain("prefers-color-scheme:dark");
    expect(svg).not.toMatch(/NaN|undefined|Infinity/);
  },
);
