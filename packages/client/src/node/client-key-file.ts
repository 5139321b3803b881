import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
} from 'node:crypto';
import { constants } from 'node:fs';
import { link, open, unlink } from 'node:fs/promises';
import { isSealwireError, SealwireError, thumbprint } from '@sealwire/core';
import { type ClientKey, clientKeyOf } from '../client-key/client-key.ts';
import { encryptPrivateKey } from './encrypted-key.ts';

const { O_NONBLOCK, O_RDONLY } = constants;

export interface ClientKeyFileOptions {
  /** Without it the file is of no use; keep it where the file is not. */
  passphrase: string;
}

/** The first line; what comes before the PEM is for people, and to see whether the key is the one that was written. */
const titleForm = /^Sealwire client key ([\w-]{43})\n/;

/**
 * The Ed25519 key in a file, which is made if it is not there: PKCS#8 as PEM, encrypted with a key that scrypt makes of
 * the passphrase, readable by its owner only. `openssl pkey -in FILE` reads it, too.
 *
 * @example
 * const clientKey = await clientKeyFile('client.key', { passphrase: process.env.CLIENT_KEY_PASSPHRASE });
 * const sealedFetch = createSealedFetch({ origin, identity, clientKey });
 *
 * @throws SealwireError `invalid-option`; `client-key-unavailable` for a file that is damaged, that others may read or
 * that has another passphrase
 */
export async function clientKeyFile(path: string, options: ClientKeyFileOptions): Promise<ClientKey> {
  const passphrase = options?.passphrase;
  if (typeof passphrase !== 'string' || passphrase === '')
    throw new SealwireError('invalid-option', '`passphrase` is a text that is not empty.');
  try {
    const text = (await readOwn(path)) ?? (await createFile(path, passphrase));
    return await keyOf(text, passphrase, path);
  } catch (cause) {
    if (isSealwireError(cause)) throw cause;
    throw unavailable(`${path} cannot be read or written.`, cause);
  }
}

/** The file; undefined if there is none. */
async function readOwn(path: string): Promise<string | undefined> {
  // Not blocking: a named pipe shall be refused, not waited for.
  const file = await open(path, O_RDONLY | (O_NONBLOCK ?? 0)).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (file === undefined) return undefined;
  try {
    const stat = await file.stat();
    if (!stat.isFile()) throw unavailable(`${path} is no file.`);
    // Windows has no such bits.
    if (process.platform !== 'win32' && (stat.mode & 0o077) !== 0)
      throw unavailable(`Others than its owner may use ${path}: chmod 600 it.`);
    return await file.readFile('utf8');
  } finally {
    await file.close();
  }
}

/** Makes a key and the file with it; if another process was faster, it is that one's. */
async function createFile(path: string, passphrase: string): Promise<string> {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const pem = await encryptPrivateKey(privateKey, passphrase);
  const text = `Sealwire client key ${await thumbprint('Ed25519', rawKey(publicKey))}\n${pem}`;
  // Under its own name it is whole or not there.
  const draft = `${path}.${randomBytes(6).toString('hex')}`;
  try {
    const file = await open(draft, 'wx', 0o600);
    try {
      await file.writeFile(text);
      await file.sync();
    } finally {
      await file.close();
    }
    await link(draft, path);
    return text;
  } catch (error) {
    const faster = (error as NodeJS.ErrnoException).code === 'EEXIST' ? await readOwn(path) : undefined;
    if (faster === undefined) throw error;
    return faster;
  } finally {
    await unlink(draft).catch(() => {});
  }
}

async function keyOf(text: string, passphrase: string, path: string): Promise<ClientKey> {
  const [, expected] = titleForm.exec(text) ?? [];
  if (expected === undefined) throw unavailable(`${path} is no file of clientKeyFile().`);
  const key = decrypt(text, passphrase, path);
  const der = key.export({ type: 'pkcs8', format: 'der' });
  const privateKey = await crypto.subtle.importKey('pkcs8', der, 'Ed25519', false, ['sign']);
  der.fill(0);
  const clientKey = await clientKeyOf({ alg: 'Ed25519', privateKey, pub: rawKey(createPublicKey(key)) });
  if (clientKey.thumbprint !== expected) throw unavailable(`${path} holds another key than it says.`);
  return clientKey;
}

function decrypt(text: string, passphrase: string, path: string): KeyObject {
  try {
    const key = createPrivateKey({ key: text, passphrase });
    if (key.asymmetricKeyType === 'ed25519') return key;
  } catch {
    // Without a cause: OpenSSL's says no more.
  }
  throw unavailable(`${path} is damaged, or the passphrase is not that of its key.`);
}

function rawKey(publicKey: KeyObject): Uint8Array {
  return Buffer.from(publicKey.export({ format: 'jwk' }).x as string, 'base64url');
}

function unavailable(detail: string, cause?: unknown): SealwireError {
  return new SealwireError('client-key-unavailable', detail, cause === undefined ? undefined : { cause });
}
