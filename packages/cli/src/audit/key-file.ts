import { closeSync, fstatSync, openSync, readFileSync } from 'node:fs';
import { decodeBase64Url } from '@sealwire/core';
import { Failure, fileFailure, usage } from '../failure.ts';

/** The key of an audit log in the file that a flag names. @throws Failure */
export function readLogKey(flag: string, file: string): Uint8Array {
  const text = readSecret(file).trim();
  const key = /^[0-9a-f]{64}$/i.test(text) ? Buffer.from(text, 'hex') : bytesOf(text);
  if (key?.length !== 32) throw usage(`${flag} is a file with 32 bytes as base64url or hex.`);
  return key;
}

/** The text of a file that holds a secret of an audit log. @throws Failure also if others may read it */
export function readSecret(file: string): string {
  let descriptor: number | undefined;
  try {
    descriptor = openSync(file, 'r');
    const { mode, uid } = fstatSync(descriptor);
    // The system hands secrets out as files of root that a group can read. Windows has no such bits.
    const user = process.geteuid?.();
    const others = uid === 0 && user !== 0 ? 0o037 : 0o077;
    if (user !== undefined && (mode & others) !== 0)
      throw new Failure(
        2,
        'file',
        `${file} is open to other users: chmod go-rwx ${file}, and consider a new key.`,
      );
    return readFileSync(descriptor, 'utf8');
  } catch (error) {
    throw error instanceof Failure ? error : fileFailure(2, error);
  } finally {
    if (descriptor !== undefined) closeSync(descriptor);
  }
}

/** Undefined if the text is no base64url. */
export function bytesOf(text: string): Uint8Array | undefined {
  try {
    return decodeBase64Url(text);
  } catch {
    return undefined;
  }
}
