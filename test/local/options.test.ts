import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { readOptions } from "../../local/options.ts";
import { root } from "../../local/process.ts";

afterEach(() => {
  delete process.env.AWS_ENDPOINT_URL;
});

test("without options an emulator is started", () => {
  expect(readOptions([])).toEqual({});
});

test("an endpoint is taken from the option, and otherwise from the environment", () => {
  process.env.AWS_ENDPOINT_URL = "http://127.0.0.1:4566";
  expect(readOptions([])).toEqual({ endpoint: "http://127.0.0.1:4566" });
  expect(readOptions(["--endpoint", "https://example.org", "--vcpus", "8"])).toEqual({
    endpoint: "https://example.org",
    vcpus: 8,
  });
});

test("jobs run with the Python of a virtual environment that exists", () => {
  expect(readOptions(["--python", ".venv"])).toEqual({ python: join(root, ".venv") });
  expect(() => readOptions(["--python", "nowhere"])).toThrow(
    `There is no ${join(root, "nowhere/bin/python")}. \`npm run test:gradients\` makes .venv-gradients`,
  );
});

test.each([
  [["--vcpus", "none"]],
  [["--vcpus", "0"]],
  [["--endpoint", "localhost:4566"]],
  [["--port", "1"]],
  [["x"]],
])("%j is refused with a sentence", (argv) => {
  expect(() => readOptions(argv)).toThrow(/^(--vcpus must|The endpoint|Un)/);
});
