import { createHash } from 'node:crypto';

/** What is left of a value for two to be compared: a count of bytes and a hash. */
export interface Digest {
  readonly bytes: number;
  readonly sha256: string;
}

/** Of bytes, of a text in UTF-8, of anything else as JSON; of nothing that of no bytes. */
export function digestOf(value: unknown): Digest {
  const bytes =
    value instanceof Uint8Array
      ? value
      : Buffer.from(typeof value === 'string' ? value : (JSON.stringify(value) ?? ''));
  return { bytes: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex') };
}
