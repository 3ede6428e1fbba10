import type { RoundAddress } from "../../shared/service/rounds/halving.ts";
import { closeRung, openRung } from "../../shared/service/rounds/halving.ts";
import type { World } from "./batch.ts";

/**
 * The halving machine, played by hand, as infra/machines/halving.ts writes it down: open a rung, send each trial with a
 * task token, wait for the answers, close the rung, again.
 */
export class Machine {
  readonly #world: World;
  readonly #generation: number;
  #tokens = 0;

  constructor(world: World, generation = 1) {
    this.#world = world;
    this.#generation = generation;
  }

  #address(rung: number): RoundAddress {
    return { study: this.#world.study.id, generation: this.#generation, bracket: 0, rung };
  }

  open(rung: number) {
    return openRung(this.#world.deps, this.#address(rung));
  }

  close(rung: number) {
    return closeRung(this.#world.deps, this.#address(rung));
  }

  /** Sends the trials and waits for their tokens. @returns the tokens, in order. */
  send(trials: readonly { trial: number; attempt: number }[]): string[] {
    return trials.map(({ trial, attempt }) => {
      const taskToken = `token-${this.#generation}-${this.#tokens++}`;
      this.#world.rounds.waiting.add(taskToken);
      this.#world.queue.messages.push({ version: 1, study: this.#world.study.id, trial, attempt, taskToken });
      return taskToken;
    });
  }
}
