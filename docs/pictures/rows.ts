/** A row of a run's export: its columns of numbers by name, NaN where a cell is empty. */
export type Row = Readonly<Record<string, number>>;

/** Reads the columns of numbers of an export, of which no cell has a comma. */
export const rowsOf = (csv: string): Row[] => {
  const [header = "", ...lines] = csv.trim().split(/\r?\n/);
  const names = header.split(",");
  return lines.map((line) => {
    const cells = line.split(",");
    return Object.fromEntries(names.map((name, i) => [name, cells[i] ? Number(cells[i]) : Number.NaN]));
  });
};

/** Two columns as points. */
export const pointsOf = (rows: readonly Row[], x: string, y: string): (readonly [number, number])[] =>
  rows.map((row) => [row[x] ?? Number.NaN, row[y] ?? Number.NaN] as const);
