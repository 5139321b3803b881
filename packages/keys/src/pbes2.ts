// EncryptedPrivateKeyInfo of PKCS#8 (RFC 5958) with PBES2 (RFC 8018), scrypt (RFC 7914) and AES-256-CBC: the one
// encryption with a costly derivation that OpenSSL and Node read. It has no integrity of its own: who decrypts
// compares what comes out with an id.
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { DerReader, element, integer, octetsTag, oidTag, sequenceTag } from './der.ts';
import { keysInvalid } from './failures.ts';
import { type Passphrase, type ScryptCost, writtenCost } from './passphrase.ts';

const oids = {
  pbes2: '2a864886f70d01050d',
  pbkdf2: '2a864886f70d01050c',
  scrypt: '2b06010401da47040b',
  aes256Cbc: '60864801650304012a',
};
const saltLength = 16;
const remedy =
  'Encrypt it with: openssl pkcs8 -topk8 -scrypt -scrypt_N 16384 -scrypt_r 8 -scrypt_p 5 -v2 aes-256-cbc';

interface Encrypted {
  readonly salt: Uint8Array;
  readonly cost: ScryptCost;
  readonly iv: Uint8Array;
  readonly data: Uint8Array;
}

/** @param salt what is encrypted with one salt needs one derivation only; the IV is fresh each time */
export async function encryptPbes2(
  plaintext: Uint8Array,
  passphrase: Passphrase,
  salt: Uint8Array = randomBytes(saltLength),
): Promise<Uint8Array> {
  const { N, r, p } = writtenCost;
  const iv = randomBytes(16);
  const cipher = createCipheriv('aes-256-cbc', await passphrase.derive(salt, writtenCost), iv);
  const data = Buffer.concat([cipher.update(plaintext), cipher.final()]);
  const sequence = (...parts: Uint8Array[]) => element(sequenceTag, ...parts);
  const oid = (hex: string) => element(oidTag, Buffer.from(hex, 'hex'));
  const kdf = sequence(
    oid(oids.scrypt),
    sequence(element(octetsTag, salt), integer(N), integer(r), integer(p)),
  );
  const scheme = sequence(oid(oids.aes256Cbc), element(octetsTag, iv));
  return sequence(sequence(oid(oids.pbes2), sequence(kdf, scheme)), element(octetsTag, data));
}

/**
 * @param place names what is decrypted in errors
 * @throws SealwireError `keys-invalid` for another form, another or a weak derivation, one too costly to try, and most
 * often for another passphrase or a damaged text: what decrypts is not yet known to be right
 */
export async function decryptPbes2(der: Uint8Array, passphrase: Passphrase, place: string): Promise<Buffer> {
  const { salt, cost, iv, data } = parse(der, place);
  const decipher = createDecipheriv('aes-256-cbc', await passphrase.derive(salt, cost), iv);
  try {
    return Buffer.concat([decipher.update(data), decipher.final()]);
  } catch {
    throw undecryptable(place);
  }
}

export function undecryptable(place: string): Error {
  return keysInvalid(
    place,
    'does not decrypt: it is damaged, or the passphrase is another',
    'Give the passphrase it was written with, or restore it from a backup.',
  );
}

function parse(der: Uint8Array, place: string): Encrypted {
  try {
    const all = new DerReader(der);
    const info = all.sequence();
    all.end();
    const algorithm = info.sequence();
    const data = info.read(octetsTag);
    info.end();
    if (oidOf(algorithm) !== oids.pbes2) throw keysInvalid(place, 'is not encrypted with PBES2', remedy);
    const parameters = algorithm.sequence();
    algorithm.end();
    const derivation = parameters.sequence();
    const scheme = parameters.sequence();
    parameters.end();
    return { ...readDerivation(derivation, place), iv: readScheme(scheme, place), data };
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    throw keysInvalid(place, 'is not an encrypted key in DER', remedy);
  }
}

function readDerivation(derivation: DerReader, place: string): Pick<Encrypted, 'salt' | 'cost'> {
  const kdf = oidOf(derivation);
  if (kdf !== oids.scrypt) {
    const which = kdf === oids.pbkdf2 ? 'PBKDF2' : 'an unknown derivation';
    throw keysInvalid(place, `derives its key with ${which}, not with scrypt`, remedy);
  }
  const parameters = derivation.sequence();
  derivation.end();
  const salt = parameters.read(octetsTag);
  const cost = { N: parameters.integer(), r: parameters.integer(), p: parameters.integer() };
  const keyLength = parameters.done ? 32 : parameters.integer();
  parameters.end();
  if (salt.length < 8 || salt.length > 64 || keyLength !== 32) throw new TypeError('unusual parameters');
  checkCost(cost, place);
  return { salt, cost };
}

/** Memory is 128 N r bytes: this bounds it to 128 MiB before any is taken, and the time to a few seconds. */
function checkCost({ N, r, p }: ScryptCost, place: string): void {
  if (N < 2 ** 14 || r < 8 || p < 1)
    throw keysInvalid(place, 'is encrypted with a weak scrypt (below N=16384, r=8, p=1)', remedy);
  if (N > 2 ** 17 || r > 8 || p > 16)
    throw keysInvalid(place, 'wants too costly a scrypt (above N=131072, r=8, p=16)', remedy);
  if (!Number.isInteger(Math.log2(N))) throw new TypeError('no power of two');
}

function readScheme(scheme: DerReader, place: string): Uint8Array {
  if (oidOf(scheme) !== oids.aes256Cbc)
    throw keysInvalid(place, 'is encrypted with another cipher than AES-256-CBC', remedy);
  const iv = scheme.read(octetsTag);
  scheme.end();
  if (iv.length !== 16) throw new TypeError('no IV');
  return iv;
}

function oidOf(reader: DerReader): string {
  return Buffer.from(reader.read(oidTag)).toString('hex');
}
