/**
 * `npm run local`: starts Hone on this machine, prints its address, and keeps it running until Ctrl-C.
 *
 *   npm run local
 *   npm run local -- --endpoint http://127.0.0.1:4566     deploy to LocalStack or another AWS-compatible endpoint
 *   npm run local -- --vcpus 8                            vCPUs that jobs may use at once
 *   npm run local -- --python .venv-gradients             jobs run with the Python of this virtual environment
 */
import { live, untilAborted } from "./lifetime.ts";
import { announce, refuseSecond } from "./local-file.ts";
import { readOptions } from "./options.ts";
import { assertNode24 } from "./process.ts";
import { makeRunFolder, removeUnlessFailed } from "./run-folder.ts";
import { startStack } from "./stack.ts";

await live(async (lifetime) => {
  assertNode24();
  const options = readOptions();
  refuseSecond();
  const folder = makeRunFolder("local");
  lifetime.atEnd(removeUnlessFailed(folder));
  const stack = await startStack(lifetime, {
    ...options,
    folder,
    onStep: (title, seconds) => console.log(`${title}: ${seconds.toFixed(1)} s`),
  });
  const withdraw = announce(stack);
  lifetime.atEnd(withdraw);
  process.on("exit", withdraw); // also when the clean-up is skipped
  console.log(`
Hone is running. Press Ctrl-C to stop it.

  export HONE_API=${stack.api} HONE_TEAM=${stack.team} HONE_TOKEN=${stack.token}
  curl -H "Authorization: Bearer $HONE_TOKEN" $HONE_API/teams/$HONE_TEAM/studies

AWS API       ${stack.endpoint}
local Batch   ${stack.batchEndpoint}
logs          ${folder}`);
  return await Promise.race([stack.broken, untilAborted(lifetime.signal)]);
});
