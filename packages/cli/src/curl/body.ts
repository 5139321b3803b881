import { createReadStream, readFileSync, statSync } from 'node:fs';
import { Readable } from 'node:stream';
import { Failure, fileFailure } from '../failure.ts';

/** What a request carries. */
export interface Body {
  /** In bytes; undefined if that shows at its end. */
  readonly length: number | undefined;
  /** Its content type, unless a header says another. */
  readonly type: string | undefined;
  /** Can be read once more. @throws Failure */
  open(): Readable;
}

export function bytesBody(bytes: Buffer, type?: string): Body {
  return { length: bytes.length, type, open: () => Readable.from(bytes.length === 0 ? [] : [bytes]) };
}

/** A file as it is read, or stdin (`-`) or another pipe, which can be read only once. @throws Failure */
export function fileBody(file: string): Body {
  const found = file === '-' ? undefined : reading(() => statSync(file));
  if (found?.isFile()) return { length: found.size, type: undefined, open: () => createReadStream(file) };
  let opened = false;
  return {
    length: undefined,
    type: undefined,
    open() {
      if (opened) throw new Failure(65, 'stream', 'What came through a pipe cannot be sent again.');
      opened = true;
      return found === undefined ? process.stdin : createReadStream(file);
    },
  };
}

/** The bytes of a file, or of stdin (`-`). @throws Failure */
export function readFile(file: string): Buffer {
  return reading(() => readFileSync(file === '-' ? 0 : file));
}

function reading<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw fileFailure(26, error);
  }
}
