// Ratios of pairs that ran side by side, and how they are shown.

/** A positive number from the environment, or the default. */
export function setting(name, fallback) {
  const value = Number(process.env[name] ?? fallback);
  if (!(value > 0)) throw new Error(`${name} is a number above 0.`);
  return value;
}

export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** Prints rows of cells, the first column to the left, numbers to the right. */
export function printTable(rows) {
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)));
  for (const row of rows) {
    const cells = row.map((cell, column) =>
      column === 0 ? cell.padEnd(widths[column]) : cell.padStart(widths[column]),
    );
    console.log(`  ${cells.join('   ')}`);
  }
}

/** `min / median / max`, the median being what is quoted. */
export function spread(values, digits = 2) {
  const shown = [Math.min(...values), median(values), Math.max(...values)];
  return `min ${shown[0].toFixed(digits)}   median ${shown[1].toFixed(digits)}   max ${shown[2].toFixed(digits)}`;
}
