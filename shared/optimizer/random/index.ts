import { sampleCube } from "../../space/sample.ts";
import { type Algorithm, answer } from "../algorithm.ts";
import { createFresh } from "../common/fresh.ts";

/** Draws per proposal; what is still missing then is found by `proposeWith`. */
const TRIES = 20;

const options = {};

/** Random search: each parameter from its prior or weights. Source: Bergstra and Bengio 2012. */
export const random: Algorithm<typeof options> = {
  name: "random",
  revision: 1,
  options,
  ignoresResults: true,
  propose: ({ space, isLate }, history, count, chance) => {
    const fresh = createFresh(space, history);
    for (let tries = 0; fresh.taken.length < count && tries < TRIES * count && !isLate(); tries++) {
      const x = sampleCube(space, chance);
      if (fresh.accepts(x)) fresh.take(x);
    }
    return answer(fresh.taken.map((x) => ({ x, algorithm: "random", why: "drawn from the prior" })));
  },
};
