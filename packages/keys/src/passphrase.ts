import { createHmac, createSecretKey, type KeyObject, randomBytes, scrypt } from 'node:crypto';
import { SealwireError } from '@sealwire/core';

/** Parameters of scrypt (RFC 7914). */
export interface ScryptCost {
  readonly N: number;
  readonly r: number;
  readonly p: number;
}

/** What `openssl pkey` reads within its limit of 32 MiB, and costs a guess about as much as OWASP asks for. */
export const writtenCost: ScryptCost = { N: 2 ** 14, r: 8, p: 5 };
/** The same passphrase and salt give the same key: it is derived once in a process. */
const derived = new Map<string, Promise<KeyObject>>();
const maxDerived = 256;
/** Names of cached keys are MACs under this one, so that they tell nothing of a passphrase. */
const namingKey = createSecretKey(randomBytes(32));
const minLength = 8;
export const maxPassphraseLength = 1024;

/** A passphrase that neither `util.inspect` nor JSON shows. */
export class Passphrase {
  readonly #key: KeyObject;

  /**
   * @param passphrase 8 to 1,024 bytes; text is UTF-8
   * @throws SealwireError `invalid-option`
   */
  constructor(passphrase: string | Uint8Array) {
    if (typeof passphrase !== 'string' && !(passphrase instanceof Uint8Array))
      throw new SealwireError('invalid-option', '`passphrase` is a text, or bytes.');
    const bytes = Buffer.from(passphrase as string);
    if (bytes.length < minLength || bytes.length > maxPassphraseLength) {
      const detail = `A passphrase for keys has ${minLength} to ${maxPassphraseLength} bytes. Make one: openssl rand -base64 24`;
      throw new SealwireError('invalid-option', detail);
    }
    this.#key = createSecretKey(bytes);
    bytes.fill(0);
  }

  /** The 32-byte key of this passphrase, by scrypt. */
  derive(salt: Uint8Array, cost: ScryptCost): Promise<KeyObject> {
    const passphrase = this.#key.export();
    const about = JSON.stringify([Buffer.from(salt).toString('hex'), cost.N, cost.r, cost.p]);
    const name = createHmac('sha256', namingKey).update(about).update(passphrase).digest('hex');
    let key = derived.get(name);
    if (key === undefined) {
      key = deriveKey(passphrase, salt, cost);
      // One that failed, for want of memory, is tried again.
      key.catch(() => derived.delete(name));
      for (const oldest of derived.keys()) if (derived.size >= maxDerived) derived.delete(oldest);
      derived.set(name, key);
    } else passphrase.fill(0);
    return key;
  }
}

function deriveKey(passphrase: Buffer, salt: Uint8Array, { N, r, p }: ScryptCost): Promise<KeyObject> {
  const options = { N, r, p, maxmem: 128 * r * (N + p + 2) };
  return new Promise((resolve, reject) => {
    scrypt(passphrase, salt, 32, options, (error, bytes) => {
      passphrase.fill(0);
      if (error !== null) return reject(error);
      resolve(createSecretKey(bytes));
      bytes.fill(0);
    });
  });
}
