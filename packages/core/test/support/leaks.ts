import { inspect } from 'node:util';

/** All that `util.inspect` and JSON can be made to show of a value, with every blank as one space. */
export function everythingShown(value: unknown): string {
  const options = { depth: Number.POSITIVE_INFINITY, maxArrayLength: null, maxStringLength: null };
  const shown = [true, false].map((showHidden) => inspect(value, { ...options, showHidden, getters: true }));
  for (const asText of [JSON.stringify, String]) {
    try {
      shown.push(asText(value) ?? '');
    } catch {
      // Not every value has such a form.
    }
  }
  return shown.join('\n').replaceAll(/\s+/g, ' ');
}

const runLength = 8;

/** The ways in which a run of bytes may show in a text. */
function spellings(run: Uint8Array): string[] {
  const bytes = [...run];
  const hex = bytes.map((byte) => byte.toString(16).padStart(2, '0'));
  return [
    hex.join(''),
    hex.join('').toUpperCase(),
    hex.join(' '),
    hex.join(':'),
    bytes.join(', '),
    bytes.join(','),
    Buffer.from(run).toString('latin1'),
  ];
}

/** Where a text shows eight bytes of a secret in a row, in whatever spelling; undefined where it does not. */
export function leak(text: string, secret: Uint8Array): string | undefined {
  for (let at = 0; at + runLength <= secret.length; at++) {
    const found = spellings(secret.subarray(at, at + runLength)).find((spelling) => text.includes(spelling));
    if (found !== undefined) return found;
  }
  // Base64 depends on where a run begins in its group of three: any part of the whole, at each of the three offsets.
  for (const offset of [0, 1, 2]) {
    const encoded = Buffer.from(secret.subarray(offset)).toString('base64url');
    const plainAlphabet = encoded.replaceAll('-', '+').replaceAll('_', '/');
    for (let at = 0; at + 12 <= encoded.length; at += 4) {
      for (const form of [encoded, plainAlphabet]) {
        if (text.includes(form.slice(at, at + 12))) return form.slice(at, at + 12);
      }
    }
  }
  return undefined;
}
