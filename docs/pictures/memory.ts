/** Reads the rows of the table of memory in `bench/README.md` that are about one method: steps and MiB. */
export const memoryIn = (page: string, method: string): (readonly [number, number])[] =>
  page.split("\n").flatMap((row) => {
    const [, name, steps, mib] = row.split("|").map((cell) => cell.trim());
    return name === method && Number(steps) > 0 ? [[Number(steps), Number(mib)] as const] : [];
  });
