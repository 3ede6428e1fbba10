import type { Features } from "../gp/features.ts";

/** The features of a configuration and, as the last of the numbers, of the step that it has run to. */
export interface StepFeatures extends Features {
  /** Writes a configuration after a step. @param step from 0, the start, to 1, the end. */
  writeAt(step: number, x: ArrayLike<number>, from: number, out: Float64Array, offset: number): void;
}

/** @returns features whose `write` is of a configuration that has run to its end. */
export const withStep = (features: Features): StepFeatures => {
  const { width, numeric, isChoice, parameterOf, ownerOf, perCoordinate } = features;
  const inner = new Float64Array(width);
  const widened = <T extends Uint8Array | Int32Array | Float64Array>(column: T, wide: T): T => {
    wide.set(column.subarray(0, numeric));
    wide.set(column.subarray(numeric), numeric + 1);
    return wide;
  };
  const writeAt: StepFeatures["writeAt"] = (step, x, from, out, offset) => {
    features.write(x, from, inner, 0);
    out.set(inner.subarray(0, numeric), offset);
    out[offset + numeric] = step;
    out.set(inner.subarray(numeric), offset + numeric + 1);
  };
  return {
    width: width + 1,
    numeric: numeric + 1,
    isChoice: widened(isChoice, new Uint8Array(width + 1)),
    // The step follows no coordinate: that of the first parameter moves it by nothing.
    parameterOf: widened(parameterOf, new Int32Array(width + 1)),
    ownerOf: widened(ownerOf, new Int32Array(width + 1)),
    perCoordinate: Float64Array.of(...perCoordinate, 0),
    write: (x, from, out, offset) => writeAt(1, x, from, out, offset),
    writeAt,
  };
};
