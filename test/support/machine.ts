import type { OpenedRung } from "../../shared/schemas/rounds.ts";
import { closeRung } from "../../shared/service/rounds/close.ts";
import { listTrials, openRung } from "../../shared/service/rounds/open.ts";
import { planBrackets } from "../../shared/service/rounds/plan.ts";
import type { RoundAddress } from "../../shared/service/rounds/round.ts";
import type { World } from "./batch.ts";

/** A rung that was opened, with the trials of all its parts. */
export interface OpenedWhole extends OpenedRung {
  readonly trials: readonly { readonly trial: number; readonly attempt: number }[];
  /** How many of them run at once. */
  readonly parallel: number;
}

/**
 * The machines of rounds, played by hand, as infra/machines writes them down: plan the brackets, open a rung, list its trials, send
 * each with a task token, wait for the answers, close the rung, again.
 */
export class Machine {
  readonly #world: World;
  readonly #generation: number;
  readonly #bracket: number;
  #tokens = 0;

  constructor(world: World, generation = 1, bracket = 0) {
    this.#world = world;
    this.#generation = generation;
    this.#bracket = bracket;
  }

  #address(rung: number): RoundAddress {
    const { id: study } = this.#world.study;
    return { study, generation: this.#generation, bracket: this.#bracket, rung };
  }

  plan(bracket = 0, begun = 0) {
    return planBrackets(this.#world.deps, { ...this.#address(0), bracket, begun });
  }

  /** Plans the bracket if need be, and opens a rung of it. */
  async open(rung: number): Promise<OpenedWhole> {
    const { brackets } = await this.plan(this.#bracket);
    const planned = brackets.find(({ bracket }) => bracket === this.#bracket);
    const opened = await openRung(this.#world.deps, this.#address(rung), planned?.parallel ?? 1);
    const lists = await Promise.all(
      opened.chunks.map((chunk) => listTrials(this.#world.deps, { ...this.#address(rung), ...chunk })),
    );
    return {
      ...opened,
      trials: lists.flatMap(({ trials }) => trials),
      parallel: opened.chunks.reduce((sum, chunk) => sum + chunk.parallel, 0),
    };
  }

  close(rung: number) {
    return closeRung(this.#world.deps, this.#address(rung));
  }

  /** Sends the trials and waits for their tokens. @returns the tokens, in order. */
  send(trials: readonly { trial: number; attempt: number }[]): string[] {
    return trials.map(({ trial, attempt }) => {
      const taskToken = `${this.#world.study.id}-${this.#generation}-${this.#bracket}:${this.#tokens++}`;
      this.#world.rounds.waiting.add(taskToken);
      this.#world.queue.messages.push({ version: 1, study: this.#world.study.id, trial, attempt, taskToken });
      return taskToken;
    });
  }
}
