import { PassThrough } from "node:stream";
import type { WriteStream } from "node:tty";
import { expect, test } from "vitest";
import { showProgress } from "../../local/progress.ts";

/** Shows the progress of 40 trials on a stream, each step twice, as polling does. @returns the output. */
const show = (isTTY: boolean): string => {
  const stream = Object.assign(new PassThrough(), { isTTY, columns: 100, cursorTo: () => true });
  const progress = showProgress(stream as unknown as WriteStream);
  for (let done = 0; done <= 40; done++) {
    const standing = {
      done,
      total: 40,
      running: done < 40 ? 4 : 0,
      best: done < 3 ? null : 0.9 + done / 1000,
    };
    progress.show(standing);
    progress.show(standing);
  }
  progress.end();
  return String(stream.read() ?? "");
};

test("without a terminal, there is one plain line per 10% of the trials", () => {
  const lines = show(false).trimEnd().split("\n");
  expect(lines).toHaveLength(11);
  expect(lines[0]).toBe("  0/40   best -   running 4   ETA -");
  expect(lines[5]).toMatch(/^ 20\/40 {3}best 0\.9200 {3}running 4 {3}ETA \d+ s$/);
  expect(lines[10]).toBe(" 40/40   best 0.9400   running 0   ETA 0 s");
});

test("on a terminal, one bar fills up", () => {
  const text = show(true);
  expect(text).toContain("40/40   best 0.9400   running 0   ETA 0 s");
  expect(text.split("\n").length).toBeLessThan(4);
});
