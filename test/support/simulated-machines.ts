import type { QueueMessage } from "../../shared/schemas/message.ts";
import type { ListedTrials, OpenedRung } from "../../shared/schemas/rounds.ts";
import type { ServiceDeps } from "../../shared/service/core/deps.ts";
import { closeRung } from "../../shared/service/rounds/close.ts";
import { failRounds } from "../../shared/service/rounds/fail.ts";
import { openFold, planFolds } from "../../shared/service/rounds/folds.ts";
import { listTrials, openRung } from "../../shared/service/rounds/open.ts";
import { planBrackets } from "../../shared/service/rounds/plan.ts";
import { listWave, openWave } from "../../shared/service/rounds/waves.ts";
import { machineOf } from "../../shared/study/execution.ts";
import type { World } from "./batch.ts";

/** What the machines need of the story that they are played in. */
export interface Stage {
  readonly world: World;
  /** Runs a step of the `rounds` Lambda, which may die; null when it did. */
  readonly attempt: <T>(run: (deps: ServiceDeps) => Promise<T>) => Promise<T | null>;
  readonly send: (message: QueueMessage) => void;
  readonly complain: (sentence: string) => void;
  readonly count: (what: string) => void;
  readonly isCalm: () => boolean;
}

/** A machine as far as it waits. Each turn takes it a step further; true when its execution has come to its end. */
interface Player {
  readonly name: string;
  readonly turn: () => Promise<boolean>;
}

/** Calm steps after which a wait that nobody answers counts as lost; a lease and all its repairs take less. */
const PATIENCE = 60;

/** The state machines of infra/machines, played from step to step while others stop and start them. */
export class SimulatedMachines {
  readonly #stage: Stage;
  readonly #players = new Map<string, Player>();
  #tokens = 0;

  constructor(stage: Stage) {
    this.#stage = stage;
  }

  /** Every execution that runs takes a step. */
  async turn(): Promise<void> {
    const { rounds } = this.#stage.world;
    for (const [name, state] of [...rounds.executions]) {
      if (state !== "running") continue;
      const player = this.#players.get(name) ?? this.#startedByService(name);
      this.#players.set(name, player);
      const isOver = await player.turn();
      // It may have been stopped in its own step.
      if (isOver && rounds.executions.get(name) === "running") rounds.executions.set(name, "ended");
    }
  }

  #startedByService(name: string): Player {
    const { study } = this.#stage.world;
    const generation = Number(name.slice(study.id.length + 1));
    const machine = machineOf(study);
    if (machine === "folds") return this.#folds(name, generation);
    if (machine === "generations") return this.#generations(name, generation);
    return this.#brackets(name, study.id, generation);
  }

  #begin(player: Player): void {
    const { rounds } = this.#stage.world;
    if (rounds.executions.has(player.name)) return;
    rounds.executions.set(player.name, "running");
    this.#players.set(player.name, player);
  }

  #runs = (name: string): boolean => this.#stage.world.rounds.executions.get(name) === "running";

  #folds(name: string, generation: number): Player {
    const { world, attempt } = this.#stage;
    const study = world.study.id;
    let begun: string[] | null = null;
    const turn = async () => {
      if (begun === null) {
        const planned = await attempt((deps) => planFolds(deps, { study, generation }));
        if (planned === null) return false;
        begun = planned.folds.map(({ fold }) => `${name}-${fold}`);
        for (const { fold } of planned.folds) this.#begin(this.#fold(`${name}-${fold}`, generation, fold));
        return false;
      }
      if (begun.some((each) => world.rounds.aborted.has(each))) return this.#fail(study, generation);
      return !begun.some(this.#runs);
    };
    return { name, turn };
  }

  #fold(name: string, generation: number, fold: number): Player {
    const { world, attempt, send, count } = this.#stage;
    const study = world.study.id;
    let brackets: string | null = null;
    const waits = this.#waits();
    const turn = async () => {
      if (brackets !== null && this.#runs(brackets)) return false;
      if (brackets !== null && world.rounds.aborted.has(brackets)) return this.#fail(study, generation);
      brackets = null;
      if (waits.isWaiting()) return false;
      const opened = await attempt((deps) => openFold(deps, { study, generation, fold }));
      if (opened === null) return false;
      const { part, next } = opened;
      count(`fold ${next}`);
      if (next === "rounds") {
        brackets = `${part}-${opened.generation}`;
        this.#begin(this.#brackets(brackets, part, opened.generation));
      } else if (next === "wait") {
        send({ version: 1, study: part, taskToken: waits.add(name) });
      }
      return next === "done";
    };
    return { name, turn };
  }

  /** A machine that learns that another one that it waits for was aborted gives up. */
  async #fail(study: string, generation: number): Promise<boolean> {
    const marked = await this.#stage.attempt(async (deps) => {
      await failRounds(deps, { study, generation, reason: "States.TaskFailed" });
      return true;
    });
    return marked !== null;
  }

  #brackets(name: string, study: string, generation: number): Player {
    const { attempt, count } = this.#stage;
    let at = { bracket: 0, begun: 0 };
    let running: string[] = [];
    const turn = async () => {
      if (running.some(this.#runs)) return false;
      const planned = await attempt((deps) => planBrackets(deps, { study, generation, ...at }));
      if (planned === null) return false;
      at = { bracket: planned.bracket, begun: planned.begun };
      running = planned.brackets.map(({ bracket }) => `${name}-${bracket}`);
      if (running.length > 1) count("side by side");
      for (const { bracket, parallel } of planned.brackets) {
        this.#begin(this.#halving(`${name}-${bracket}`, { study, generation, bracket }, parallel));
      }
      return planned.done;
    };
    return { name, turn };
  }

  #halving(
    name: string,
    bracket: { study: string; generation: number; bracket: number },
    share: number,
  ): Player {
    const { attempt } = this.#stage;
    const parts = this.#parts(name, bracket.study);
    let rung = 0;
    let phase: "open" | "run" | "close" = "open";
    const turn = async () => {
      const address = { ...bracket, rung };
      if (phase === "open") {
        const opened = await attempt((deps) => openRung(deps, address, share));
        if (opened === null) return false;
        parts.begin(opened.chunks, (deps, chunk) => listTrials(deps, { ...address, ...chunk }));
        phase = "run";
        return opened.done;
      }
      if (phase === "run") {
        if (await parts.turn()) phase = "close";
        return false;
      }
      const closed = await attempt((deps) => closeRung(deps, address));
      if (closed === null) return false;
      rung = closed.rung;
      phase = "open";
      return closed.done;
    };
    return { name, turn };
  }

  #generations(name: string, generation: number): Player {
    const { world, attempt, count } = this.#stage;
    const study = world.study.id;
    const parts = this.#parts(name, study);
    let begun = 0;
    let isOpen = false;
    const turn = async () => {
      if (isOpen) {
        isOpen = !(await parts.turn());
        return false;
      }
      const opened = await attempt((deps) => openWave(deps, { study, generation }, begun));
      if (opened === null) return false;
      begun = opened.begun;
      count("generations");
      parts.begin(opened.chunks, (deps, chunk) => listWave(deps, { study, generation }, chunk));
      isOpen = true;
      return opened.done;
    };
    return { name, turn };
  }

  /** Tokens that a machine waits for. */
  #waits() {
    const { world, complain, isCalm } = this.#stage;
    const own = new Set<string>();
    let idle = 0;
    return {
      add: (name: string): string => {
        const token = `${name}:${this.#tokens++}`;
        world.rounds.waiting.add(token);
        own.add(token);
        idle = 0;
        return token;
      },
      /** How many are not answered; in calm times somebody must. */
      isWaiting: (): number => {
        const before = own.size;
        for (const token of own) if (!world.rounds.waiting.has(token)) own.delete(token);
        if (isCalm()) idle = own.size < before ? 0 : idle + 1;
        if (own.size > 0 && idle > PATIENCE) {
          complain(`nobody answers ${[...own]}`);
          own.clear();
        }
        return own.size;
      },
    };
  }

  /** The parts of a rung or a generation, which run their trials by themselves. */
  #parts(name: string, study: string) {
    type Chunk = OpenedRung["chunks"][number];
    type List = (deps: ServiceDeps, chunk: Chunk) => Promise<ListedTrials>;
    const { attempt, send } = this.#stage;
    let parts: { chunk: Chunk; todo: ListedTrials["trials"][number][] | null; waits: Waits }[] = [];
    let list: List;
    const turnOf = async (part: (typeof parts)[number]): Promise<boolean> => {
      if (part.todo === null) {
        const listed = await attempt((deps) => list(deps, part.chunk));
        if (listed === null) return false;
        part.todo = [...listed.trials];
      }
      let waiting = part.waits.isWaiting();
      for (; waiting < part.chunk.parallel; waiting++) {
        const next = part.todo.shift();
        if (next === undefined) break;
        send({ version: 1, study, ...next, taskToken: part.waits.add(name) });
      }
      return waiting === 0;
    };
    return {
      begin: (chunks: readonly Chunk[], how: List): void => {
        parts = chunks.map((chunk) => ({ chunk, todo: null, waits: this.#waits() }));
        list = how;
      },
      /** @returns whether all parts have ended. */
      turn: async (): Promise<boolean> => {
        let isOver = true;
        for (const part of parts) if (!(await turnOf(part))) isOver = false;
        return isOver;
      },
    };
  }
}

interface Waits {
  readonly add: (name: string) => string;
  readonly isWaiting: () => number;
}
