import { pattern } from './bytes.ts';
import { digestOf } from './digests.ts';

export type BodyKind = 'bytes' | 'text' | 'json' | 'form' | 'multipart';

/** A body and its media type. */
export interface RequestBody {
  readonly type: string;
  readonly bytes: Buffer;
  /** What whoever read all of it can tell: the hash of bytes and text, of JSON and forms as JSON, of the file in a form. */
  readonly sha256: string;
}

/** 15 bytes in UTF-8, so that hardly any cut falls between two characters only. */
const phrase = 'ü€😀 cup ok';
const boundary = 'edge-of-a-part';

/** A body of `size` bytes, or, for a form with a file, one whose file is of that size; at least 40. */
export function requestBody(kind: BodyKind, size: number): RequestBody {
  switch (kind) {
    case 'bytes':
      return bodyOf('application/octet-stream', pattern(size));
    case 'text':
      return bodyOf('text/plain; charset=utf-8', phrases(size));
    case 'json': {
      const [before, after] = ['{"item":"', '","n":[1,2]}'];
      const item = phrases(size - before.length - after.length);
      return bodyOf('application/json', before + item + after);
    }
    case 'form': {
      const before = 'user%5Bname%5D=Ada+%26+Co&note=';
      const times = Math.floor((size - before.length) / 6);
      const encoded = filled(before + 'a+b%26'.repeat(times), size);
      const note = 'a b&'.repeat(times) + 'x'.repeat(size - before.length - 6 * times);
      const parsed = JSON.stringify({ user: { name: 'Ada & Co' }, note });
      return bodyOf('application/x-www-form-urlencoded', encoded, parsed);
    }
    case 'multipart': {
      const file = pattern(size);
      return bodyOf(`multipart/form-data; boundary=${boundary}`, multipart(file), file);
    }
  }
}

function bodyOf(type: string, body: Buffer | string, read: Buffer | string = body): RequestBody {
  return { type, bytes: Buffer.from(body as string), sha256: digestOf(read).sha256 };
}

function phrases(size: number): string {
  return filled(phrase.repeat(Math.floor(size / Buffer.byteLength(phrase))), size);
}

function filled(text: string, size: number): string {
  return text + 'x'.repeat(size - Buffer.byteLength(text));
}

function multipart(file: Buffer): Buffer {
  const part = (disposition: string, ...more: string[]) =>
    [`--${boundary}`, `content-disposition: form-data; ${disposition}`, ...more, '', ''].join('\r\n');
  const fields = `${part('name="title"')}Überschrift\r\n${part('name="note"')}a & b\r\n`;
  const fileHead = part('name="file"; filename="a file.bin"', 'content-type: image/x-test');
  return Buffer.concat([Buffer.from(fields + fileHead), file, Buffer.from(`\r\n--${boundary}--\r\n`)]);
}
