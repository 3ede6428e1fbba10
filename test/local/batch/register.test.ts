import { expect, test } from "vitest";
import { retryStrategy } from "../../../local/batch/register.ts";
import { ofType, synthesizeBoth } from "../../infra/synthesize.ts";

test("the local template of job definitions has the retry strategy of the deployed one", () => {
  const [[, definition] = []] = ofType(synthesizeBoth().compute, "AWS::Batch::JobDefinition");
  expect(definition?.Properties.RetryStrategy).toEqual({ Attempts: retryStrategy.attempts });
});
