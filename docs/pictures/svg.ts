/** What the pictures of the pages are made of: text and lines in classes, whose colours suit a light and a dark page. */

const INK = { light: "#1f2328", dark: "#e6edf3" };
const QUIET = { light: "#656d76", dark: "#9198a1" };
const GRID = { light: "#d0d7de", dark: "#3d444d" };
const ACCENT = { light: "#0969da", dark: "#4493f8" };

const rules = (mode: "light" | "dark"): string =>
  [
    `.ink{fill:${INK[mode]}}.quiet{fill:${QUIET[mode]}}.accent{fill:${ACCENT[mode]}}`,
    `.grid{stroke:${GRID[mode]}}.thin{stroke:${QUIET[mode]}}.bold{stroke:${ACCENT[mode]}}.hollow{stroke:${INK[mode]}}`,
  ].join("");

const STYLE = [
  "text{font:12px system-ui,sans-serif}.small{font-size:10px}.middle{text-anchor:middle}.end{text-anchor:end}",
  "line,.hollow{fill:none}.hollow{stroke-width:2}.grid,.thin{stroke-width:1}.bold{stroke-width:3;stroke-linecap:round}",
  rules("light"),
  `@media(prefers-color-scheme:dark){${rules("dark")}}`,
].join("");

const round = (x: number): string => String(Number(x.toFixed(1)));

const escaped = (words: string): string =>
  words.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll('"', "&quot;");

/** @param kind classes: a colour, and where the text is anchored. */
export const text = (x: number, y: number, words: string, kind = "ink"): string =>
  `<text x="${round(x)}" y="${round(y)}" class="${kind}">${escaped(words)}</text>`;

export const line = (x1: number, y1: number, x2: number, y2: number, kind = "grid"): string =>
  `<line x1="${round(x1)}" y1="${round(y1)}" x2="${round(x2)}" y2="${round(y2)}" class="${kind}"/>`;

export const circle = (x: number, y: number, radius: number, kind = "accent"): string =>
  `<circle cx="${round(x)}" cy="${round(y)}" r="${radius}" class="${kind}"/>`;

/** @param opacity from 0 to 1. */
export const cell = (x: number, y: number, width: number, height: number, opacity: number): string =>
  `<rect x="${round(x)}" y="${round(y)}" width="${width}" height="${height}" class="accent" fill-opacity="${opacity.toFixed(2)}"/>`;

/** @param title what someone hears who does not see it. */
export const picture = (width: number, height: number, title: string, marks: readonly string[]): string =>
  [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img">`,
    `<title>${escaped(title)}</title>`,
    `<style>${STYLE}</style>`,
    ...marks,
    "</svg>",
    "",
  ].join("\n");

/** A function from a range of values to one of places; `log` for values on a logarithmic axis. */
export const scale = (
  [low, high]: readonly [number, number],
  [from, to]: readonly [number, number],
  log = false,
): ((value: number) => number) => {
  const on = log ? Math.log : (value: number) => value;
  return (value) => from + ((on(value) - on(low)) / (on(high) - on(low))) * (to - from);
};
