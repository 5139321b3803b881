import { readFileSync } from 'node:fs';
import { decodeBase64Url } from '@sealwire/core';
import { fileFailure, usage } from '../failure.ts';

/** The key of an audit log in the file that a flag names. @throws Failure */
export function readLogKey(flag: string, file: string): Uint8Array {
  let text: string;
  try {
    text = readFileSync(file, 'utf8').trim();
  } catch (error) {
    throw fileFailure(2, error);
  }
  const key = /^[0-9a-f]{64}$/i.test(text) ? Buffer.from(text, 'hex') : bytesOf(text);
  if (key?.length !== 32) throw usage(`${flag} is a file with 32 bytes as base64url or hex.`);
  return key;
}

/** Undefined if the text is no base64url. */
export function bytesOf(text: string): Uint8Array | undefined {
  try {
    return decodeBase64Url(text);
  } catch {
    return undefined;
  }
}
