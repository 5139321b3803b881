import type { Flags } from '../flags.ts';
import { readFile } from './body.ts';

const dataFlags = ['data', 'data-ascii', 'data-raw', 'data-binary', 'data-urlencode', 'json'];

/** What the flags of data say, joined in their order; undefined if there is none. @throws Failure */
export function dataOf({ all }: Flags): Buffer | undefined {
  let joined: Buffer | undefined;
  for (const { name, value } of all) {
    if (!dataFlags.includes(name)) continue;
    const piece = pieceOf(name, value);
    const between = name === 'json' ? '' : '&';
    joined = joined === undefined ? piece : Buffer.concat([joined, Buffer.from(between), piece]);
  }
  return joined;
}

function pieceOf(name: string, value: string): Buffer {
  if (name === 'data-urlencode') return Buffer.from(encoded(value));
  if (name === 'data-raw' || !value.startsWith('@')) return Buffer.from(value);
  const bytes = readFile(value.slice(1));
  if (name === 'data-binary' || name === 'json') return bytes;
  return Buffer.from(bytes.filter((byte) => byte !== 0x0d && byte !== 0x0a && byte !== 0));
}

/** TEXT, =TEXT, NAME=TEXT, @FILE, NAME@FILE: the name stays as it is. */
function encoded(value: string): string {
  const parts = value.match(/^(?<name>[^=@]*)(?<mark>[=@])(?<rest>.*)$/s)?.groups ?? {};
  const { name = '', mark = '=', rest = value } = parts;
  const bytes = mark === '@' ? readFile(rest) : Buffer.from(rest);
  return (name === '' ? '' : `${name}=`) + escaped(bytes);
}

function escaped(bytes: Buffer): string {
  return bytes
    .toString('latin1')
    .replace(
      /[^A-Za-z0-9\-._~ ]/g,
      (byte) => `%${byte.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`,
    )
    .replaceAll(' ', '+');
}
