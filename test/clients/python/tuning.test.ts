import { expect, test } from "vitest";
import type { Study } from "../../../shared/schemas/study.ts";
import { python, serveHandler } from "./driver.ts";

/** Whole studies: the real client against the real handler. */

test("a quadratic is tuned, by a function and in a loop", async () => {
  const { env, get } = await serveHandler();
  const out = await python(
    `
import hone, json
study = hone.create_study("parabola", {"x": hone.float(-10, 10)}, minimize="loss", trials=12)
study.optimize(lambda trial: (trial.params["x"] - 3) ** 2)
print(study.id, study.best.number, study.best.params["x"])
study = hone.create_study("parabola", {"x": hone.float(-10, 10)}, minimize="loss", trials=5)
for trial in study.trials():
    with trial:
        trial.tell(loss=trial.params["x"] ** 2)
print(study.id)
`,
    env,
  );
  const [first = "", second = ""] = out.split("\n");
  const [id, , x] = first.split(" ");
  expect(Math.abs(Number(x) - 3)).toBeLessThan(1);
  for (const study of [id, second]) {
    const shown = await get<Study>(`/studies/${study}`);
    console.info(shown.state, shown.trials, shown.best);
  }
});
