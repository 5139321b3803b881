import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** How many of the combinations behind a cell of a compatibility table agreed with plain HTTP. */
interface Cell {
  agreed: number;
  of: number;
}

/** Table, row, column. */
const tables: Record<string, Record<string, Record<string, Cell>>> = {};

/**
 * Counts one combination for a cell of a compatibility table. Where the environment names a folder as
 * SEALWIRE_MATRIX, each process leaves what it counted there as JSON: `{ table: { row: { column: { agreed, of } } } }`,
 * in a file of its own; those of all processes together are the tables.
 */
export function recordResult(table: string, row: string, column: string, agreed: boolean): void {
  tables[table] ??= {};
  tables[table][row] ??= {};
  tables[table][row][column] ??= { agreed: 0, of: 0 };
  const cell = tables[table][row][column];
  cell.of++;
  if (agreed) cell.agreed++;
}

const folder = process.env['SEALWIRE_MATRIX'];
if (folder !== undefined) {
  process.on('exit', () => writeFileSync(join(folder, `${process.pid}.json`), JSON.stringify(tables)));
}
