import type { RungTable } from "../scheduler/rung-table.ts";
import type { Standing } from "../scheduler/standing.ts";

/**
 * A rung's table as bytes, little endian: u8 version, u8 costs per standing, u8 whether violations are stored, a byte unused, u32
 * trials that entered, u32 promoted, u32 standings of the sample, u32 waiting ones, then the standings: u32 trial, f64 violation if
 * stored (0 otherwise), f64 per cost. A table of one objective has 12 bytes a standing.
 */

const VERSION = 1;
const HEADER = 20;

export const packTable = ({ entered, sample, waiting, promoted }: RungTable): Uint8Array => {
  const standings = [...sample, ...waiting];
  const costs = standings[0]?.costs.length ?? 0;
  const hasViolations = standings.some(({ violation }) => violation !== 0);
  const width = 4 + 8 * (costs + Number(hasViolations));
  const bytes = new Uint8Array(HEADER + width * standings.length);
  const view = new DataView(bytes.buffer);
  bytes.set([VERSION, costs, Number(hasViolations)]);
  [entered, promoted, sample.length, waiting.length].forEach((n, i) => {
    view.setUint32(4 + 4 * i, n, true);
  });
  standings.forEach((standing, i) => {
    const at = HEADER + i * width;
    const doubles = [...(hasViolations ? [standing.violation] : []), ...standing.costs];
    view.setUint32(at, standing.trial, true);
    doubles.forEach((value, j) => {
      view.setFloat64(at + 4 + 8 * j, value, true);
    });
  });
  return bytes;
};

/** @throws Error for a version this code does not know. */
export const unpackTable = (bytes: Uint8Array): RungTable => {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const [version, costs = 0, hasViolations = 0] = bytes;
  if (version !== VERSION) throw new Error(`Version ${version} of a rung's table is not known.`);
  const width = 4 + 8 * (costs + hasViolations);
  const standing = (i: number): Standing => {
    const at = HEADER + i * width;
    const double = (j: number) => view.getFloat64(at + 4 + 8 * j, true);
    return {
      trial: view.getUint32(at, true),
      costs: Array.from({ length: costs }, (_, j) => double(hasViolations + j)),
      violation: hasViolations === 1 ? double(0) : 0,
    };
  };
  const sampled = view.getUint32(12, true);
  const waiting = view.getUint32(16, true);
  return {
    entered: view.getUint32(4, true),
    promoted: view.getUint32(8, true),
    sample: Array.from({ length: sampled }, (_, i) => standing(i)),
    waiting: Array.from({ length: waiting }, (_, i) => standing(sampled + i)),
  };
};
