import type { Random } from "../../numerics/random.ts";
import { coordinateOf, indexOf } from "../../space/axis.ts";
import { snap } from "../../space/cube.ts";
import { project } from "../../space/project.ts";
import { sampleCube } from "../../space/sample.ts";
import type { Parameter, Space } from "../../space/space.ts";

/** The search space as bits of -1 and 1, some of which may be fixed. */

export interface Bits {
  readonly count: number;
  /** The bits of a point; 0 where its parameter is inactive. */
  encode(x: Float64Array): Int8Array;
  /** A random allowed point that has the fixed bits, as far as its parameters' values allow that. */
  draw(fixed: ReadonlyMap<number, number>, random: Random): Float64Array;
}

/** A parameter of more values than `MOST_BITS` can code is divided into levels, coded by so many bits. */
const LEVEL_BITS = 2;
const MOST_BITS = 4;
const TRIES = 50;

interface Code {
  readonly parameter: Parameter;
  readonly from: number;
  readonly bits: number;
  readonly levels: number;
}

export const bitsOf = (space: Space): Bits => {
  const codes: Code[] = [];
  let count = 0;
  for (const parameter of space.parameters) {
    if (parameter.size === 1) continue;
    const exact = Math.ceil(Math.log2(parameter.size));
    const bits = exact <= MOST_BITS ? exact : LEVEL_BITS;
    codes.push({ parameter, from: count, bits, levels: exact <= MOST_BITS ? parameter.size : 2 ** bits });
    count += bits;
  }
  return {
    count,
    encode: (x) => {
      const out = new Int8Array(count);
      for (const code of codes) {
        const u = x[code.parameter.index]!;
        if (Number.isNaN(u)) continue;
        const word = gray(levelOf(code, u));
        for (let b = 0; b < code.bits; b++) out[code.from + b] = (word >> b) & 1 ? 1 : -1;
      }
      return out;
    },
    draw: (fixed, random) => {
      for (let i = 0; i < TRIES; i++) {
        const x = new Float64Array(space.parameters.length).fill(0.5);
        for (const code of codes) x[code.parameter.index] = drawLevel(code, fixed, random);
        const point = project(space, snap(space, x), random);
        if (point !== null) return point;
      }
      return sampleCube(space, random);
    },
  };
};

/** Gray code: neighbouring levels differ in one bit, so that a monotone effect depends on few bits. */
const gray = (level: number): number => level ^ (level >> 1);

const levelOf = ({ parameter, levels }: Code, u: number): number =>
  levels === parameter.size ? indexOf(parameter, u) : Math.min(levels - 1, Math.floor(u * levels));

const drawLevel = (
  { parameter, from, bits, levels }: Code,
  fixed: ReadonlyMap<number, number>,
  random: Random,
): number => {
  const agrees = (level: number): boolean => {
    for (let b = 0; b < bits; b++) {
      const wanted = fixed.get(from + b);
      if (wanted !== undefined && wanted !== ((gray(level) >> b) & 1 ? 1 : -1)) return false;
    }
    return true;
  };
  const allowed = Array.from({ length: levels }, (_, level) => level).filter(agrees);
  const level = allowed.length > 0 ? allowed[random.integer(allowed.length)]! : random.integer(levels);
  return levels === parameter.size ? coordinateOf(parameter, level) : (level + random.uniform()) / levels;
};
