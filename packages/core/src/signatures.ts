import { sha256 } from '#crypto';
import { encodeBase64Url } from './base64url.ts';
import { concat, copyOf, label, lv, utf8 } from './bytes.ts';
import { SealwireError } from './errors.ts';

/** `Ed25519` (RFC 8032, public key 32 bytes) or `ES256` (P-256 with SHA-256, 65 bytes uncompressed, `r || s`). */
export type SignatureAlgorithm = 'Ed25519' | 'ES256';

/** A signing key whose private half stays where it is: WebCrypto, a file, an HSM. */
export interface Signer {
  readonly alg: SignatureAlgorithm;
  readonly pub: Uint8Array;
  sign(data: Uint8Array): Promise<Uint8Array>;
}

// WebCrypto on every platform: signatures are rare, and Node has the same interface.
const algorithms = {
  Ed25519: { key: { name: 'Ed25519' }, sign: { name: 'Ed25519' }, pubLength: 32 },
  ES256: {
    key: { name: 'ECDSA', namedCurve: 'P-256' },
    sign: { name: 'ECDSA', hash: 'SHA-256' },
    pubLength: 65,
  },
} as const;

/** PKCS#8 of an Ed25519 seed (RFC 8410) up to its 32 octets. */
const ed25519Pkcs8 = /* @__PURE__ */ Uint8Array.of(
  0x30,
  0x2e,
  2,
  1,
  0,
  0x30,
  5,
  6,
  3,
  0x2b,
  0x65,
  0x70,
  4,
  0x22,
  4,
  0x20,
);

const source = (bytes: Uint8Array) => bytes as Uint8Array<ArrayBuffer>;

/**
 * True if `signature` over `data` is by the holder of `pub`; false for anything that is not of the right form.
 * @throws SealwireError `crypto-unavailable` where the platform does not know the algorithm
 */
export async function verifySignature(
  alg: SignatureAlgorithm,
  pub: Uint8Array,
  data: Uint8Array,
  signature: Uint8Array,
): Promise<boolean> {
  const { key, sign, pubLength } = algorithms[alg];
  if (pub.length !== pubLength || signature.length !== 64 || (alg === 'ES256' && pub[0] !== 0x04))
    return false;
  try {
    const publicKey = await crypto.subtle.importKey('raw', source(pub), key, false, ['verify']);
    return await crypto.subtle.verify(sign, publicKey, source(signature), source(data));
  } catch (error) {
    // WebCrypto, "normalize an algorithm". To call it a wrong signature would accuse the server.
    if ((error as Error).name !== 'NotSupportedError') return false;
    throw new SealwireError('crypto-unavailable', `It lacks ${alg}.`);
  }
}

/** The two halves of a signing key. The private one can be kept (IndexedDB) without ever being exported. */
export interface SigningKey {
  readonly alg: SignatureAlgorithm;
  readonly privateKey: CryptoKey;
  readonly pub: Uint8Array;
}

/** What signs with a key. */
export function signerOf({ alg, privateKey, pub }: SigningKey): Signer {
  return {
    alg,
    pub,
    async sign(data) {
      return new Uint8Array(await crypto.subtle.sign(algorithms[alg].sign, privateKey, source(data)));
    },
  };
}

/** A new signing key that cannot be exported. */
export async function generateSigningKey(alg: SignatureAlgorithm): Promise<SigningKey> {
  const { privateKey, publicKey } = (await crypto.subtle.generateKey(algorithms[alg].key, false, [
    'sign',
    'verify',
  ])) as CryptoKeyPair;
  return { alg, privateKey, pub: new Uint8Array(await crypto.subtle.exportKey('raw', publicKey)) };
}

/** What signs with a new key that cannot be exported. */
export async function generateSigner(alg: SignatureAlgorithm = 'Ed25519'): Promise<Signer> {
  return signerOf(await generateSigningKey(alg));
}

/** The Ed25519 signing key of a 32-byte seed and its public key (RFC 8032, section 5.1.5). */
export async function importEd25519(seed: Uint8Array, pub: Uint8Array): Promise<Signer> {
  const der = concat(ed25519Pkcs8, seed);
  const privateKey = await crypto.subtle.importKey('pkcs8', der, 'Ed25519', false, ['sign']);
  der.fill(0);
  return signerOf({ alg: 'Ed25519', privateKey, pub });
}

/** A new Ed25519 seed and its public key, for a key that has to be kept somewhere. */
export async function generateEd25519(): Promise<{ seed: Uint8Array; pub: Uint8Array }> {
  const pair = (await crypto.subtle.generateKey('Ed25519', true, ['sign', 'verify'])) as CryptoKeyPair;
  const der = new Uint8Array(await crypto.subtle.exportKey('pkcs8', pair.privateKey));
  const seed = copyOf(der.subarray(ed25519Pkcs8.length));
  der.fill(0);
  return { seed, pub: new Uint8Array(await crypto.subtle.exportKey('raw', pair.publicKey)) };
}

/** True for what a key's {@link thumbprint} looks like: 43 characters of base64url, the last one canonical. */
export function isThumbprint(value: unknown): value is string {
  return typeof value === 'string' && /^[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$/.test(value);
}

/** Id of a signing key: base64url of SHA-256("sealwire/1 key" || 00 || lv(alg) || pub). */
export async function thumbprint(alg: SignatureAlgorithm, pub: Uint8Array): Promise<string> {
  return encodeBase64Url(await sha256(concat(label('sealwire/1 key'), lv(utf8(alg)), pub)));
}
