// Bodies of any length.
const content = new Uint8Array(65_536).fill(0x61);

/** Chunks of 64 KiB in memory of their own, as those of a file that is read. */
export function* chunks(length) {
  for (let left = length; left > 0; left -= content.length) yield content.slice(0, left);
}
