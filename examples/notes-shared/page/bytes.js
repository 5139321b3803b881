// Bytes as people read them.

/**
 * Lines of a hex dump: hex on the left, what is printable of it on the right.
 * @param {Uint8Array} bytes
 * @param {number} perLine
 */
export function hexDump(bytes, perLine) {
  const lines = [];
  for (let start = 0; start < bytes.length; start += perLine) {
    const line = [...bytes.subarray(start, start + perLine)];
    const hex = line.map((byte) => byte.toString(16).padStart(2, '0')).join(' ');
    const ascii = line.map((byte) => (byte > 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '·')).join('');
    lines.push({ hex: hex.padEnd(perLine * 3 - 1), ascii });
  }
  return lines;
}

/** `1,234 bytes`, `1.2 MB`. */
export function formatLength(length) {
  if (length === 1) return '1 byte';
  if (length < 10_000) return `${length.toLocaleString('en')} bytes`;
  if (length < 1_000_000) return `${Math.round(length / 1000)} kB`;
  return `${(length / 1_000_000).toFixed(1)} MB`;
}

/** How many bytes a line of a dump takes in a column of so many pixels. */
export function hexLineLength(width) {
  return width >= 520 ? 16 : width >= 400 ? 12 : 8;
}
