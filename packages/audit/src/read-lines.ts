import { createReadStream } from 'node:fs';

/** Longer lines are none of ours: they are cut, so that a forged file costs no memory. */
const maxLength = 128 * 1024;

export interface RawLine {
  readonly bytes: Buffer;
  /** False for what follows the last line feed. */
  readonly ended: boolean;
}

/** The lines of a file without their line feeds. */
export async function* readLines(path: string): AsyncGenerator<RawLine> {
  let rest: Buffer = Buffer.alloc(0);
  for await (const chunk of createReadStream(path) as AsyncIterable<Buffer>) {
    let start = 0;
    for (let at = chunk.indexOf(10); at >= 0; at = chunk.indexOf(10, start)) {
      yield { bytes: joined(rest, chunk.subarray(start, at)), ended: true };
      rest = Buffer.alloc(0);
      start = at + 1;
    }
    rest = joined(rest, chunk.subarray(start));
  }
  if (rest.length > 0) yield { bytes: rest, ended: false };
}

function joined(rest: Buffer, more: Buffer): Buffer {
  return rest.length === 0 ? more : Buffer.concat([rest, more.subarray(0, maxLength)]).subarray(0, maxLength);
}
