/**
 * `npm run local`: brings Hone up on this machine, says where it is, and keeps it up until Ctrl-C.
 *
 *   npm run local
 *   npm run local -- --endpoint http://127.0.0.1:4566     deploy to LocalStack or whatever answers for AWS there
 *   npm run local -- --vcpus 8                            how many vCPUs' worth of jobs run at once
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
  process.on("exit", withdraw); // even when nobody waits for the clean-up
  console.log(`
Hone is up. Ctrl-C takes it down.

  export HONE_API=${stack.api} HONE_TEAM=${stack.team} HONE_TOKEN=${stack.token}
  curl -H "Authorization: Bearer $HONE_TOKEN" $HONE_API/teams/$HONE_TEAM/studies

AWS API       ${stack.endpoint}
local Batch   ${stack.batchEndpoint}
logs          ${folder}`);
  return await Promise.race([stack.broken, untilAborted(lifetime.signal)]);
});
