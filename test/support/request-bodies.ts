import { pattern } from './bytes.ts';

export type BodyKind = 'bytes' | 'text' | 'json' | 'form' | 'multipart';

/** A body and its media type. */
export interface RequestBody {
  readonly type: string;
  readonly bytes: Buffer;
}

/** 15 bytes in UTF-8, so that hardly any cut falls between two characters only. */
const phrase = 'ü€😀 cup ok';
const boundary = 'edge-of-a-part';

/** A body of `size` bytes, or, for a form with a file, one whose file is of that size; at least 40. */
export function requestBody(kind: BodyKind, size: number): RequestBody {
  switch (kind) {
    case 'bytes':
      return { type: 'application/octet-stream', bytes: pattern(size) };
    case 'text':
      return { type: 'text/plain; charset=utf-8', bytes: Buffer.from(phrases(size)) };
    case 'json': {
      const [before, after] = ['{"item":"', '","n":[1,2]}'];
      const item = phrases(size - before.length - after.length);
      return { type: 'application/json', bytes: Buffer.from(before + item + after) };
    }
    case 'form': {
      const before = 'user%5Bname%5D=Ada+%26+Co&note=%C3%BC';
      const note = 'a+b%26'.repeat((size - before.length) / 6);
      return { type: 'application/x-www-form-urlencoded', bytes: Buffer.from(filled(before + note, size)) };
    }
    case 'multipart':
      return { type: `multipart/form-data; boundary=${boundary}`, bytes: multipart(pattern(size)) };
  }
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
