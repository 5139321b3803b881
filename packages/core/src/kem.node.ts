import * as nodeCrypto from 'node:crypto';
import {
  createHash,
  createHmac,
  createPrivateKey,
  createPublicKey,
  createSecretKey,
  diffieHellman,
  generateKeyPairSync,
  type KeyObject,
  randomFillSync,
} from 'node:crypto';
import type { KDF, KDFFactory, KEM, KEMFactory } from 'hpke';
import { allZero } from './bytes.ts';
import { dhkem, type Group } from './dhkem.ts';
import { rejected } from './errors.ts';
import { type XWingParts, xwing } from './xwing.ts';

/** The same memory as a plain Uint8Array: shared code must not meet Buffer's own `slice`, which copies nothing. */
export function plain(buffer: Buffer<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  return new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.byteLength);
}

export function randomBytes(length: number): Uint8Array<ArrayBuffer> {
  return randomFillSync(new Uint8Array(length));
}

export const kdf: KDFFactory = (): KDF => ({
  id: 0x0001,
  type: 'KDF',
  name: 'HKDF-SHA256',
  Nh: 32,
  stages: 2,
  async Extract(salt, ikm) {
    const key = createSecretKey(salt.length > 0 ? salt : new Uint8Array(32));
    return plain(createHmac('sha256', key).update(ikm).digest());
  },
  async Expand(prk, info, length) {
    if (length > 255 * 32) throw new RangeError('HKDF-SHA256 gives at most 8,160 bytes'); // RFC 5869, section 2.3
    const key = createSecretKey(prk);
    const okm = new Uint8Array(Math.ceil(length / 32) * 32);
    let block: Uint8Array = new Uint8Array();
    for (let i = 1; (i - 1) * 32 < length; i++) {
      block = createHmac('sha256', key).update(block).update(info).update(Uint8Array.of(i)).digest();
      okm.set(block, (i - 1) * 32);
    }
    return okm.subarray(0, length);
  },
  async Derive() {
    throw new Error('HKDF-SHA256 has two stages');
  },
});

type NodeGroup = Group<KeyObject, KeyObject>;

/** What sets the groups apart: their keys are DER around raw octets, and what stands before those differs. */
interface GroupForm {
  /** DER before the octets of a public key, and of a private key that comes without its public half. */
  readonly spki: Buffer;
  readonly pkcs8: Buffer;
  /** Where the scalar stands in the PKCS#8 of a generated key, which has both halves. */
  readonly scalarAt: number;
  checkScalar(raw: Uint8Array): void;
  checkShared(shared: Uint8Array): void;
}

function derGroup(
  about: Pick<NodeGroup, 'name' | 'id' | 'publicLength' | 'rejectionSampling' | 'generate'>,
  form: GroupForm,
): NodeGroup {
  return {
    ...about,
    publicOf: (sk) => createPublicKey(sk),
    importPublic(raw) {
      return createPublicKey({ key: Buffer.concat([form.spki, raw]), format: 'der', type: 'spki' });
    },
    exportPublic(pk) {
      const der = pk.export({ format: 'der', type: 'spki' });
      return new Uint8Array(der.subarray(der.length - about.publicLength));
    },
    importPrivate(raw) {
      form.checkScalar(raw);
      const der = Buffer.concat([form.pkcs8, raw]);
      const key = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
      der.fill(0);
      return key;
    },
    exportPrivate(sk) {
      const der = sk.export({ format: 'der', type: 'pkcs8' });
      const at = der.length === form.pkcs8.length + 32 ? form.pkcs8.length : form.scalarAt;
      const scalar = new Uint8Array(der.subarray(at, at + 32));
      der.fill(0);
      return scalar;
    },
    dh(sk, pk) {
      const shared = diffieHellman({ privateKey: sk, publicKey: pk });
      form.checkShared(shared);
      return shared;
    },
  };
}

const x25519 = derGroup(
  {
    name: 'DHKEM(X25519, HKDF-SHA256)',
    id: 0x0020,
    publicLength: 32,
    rejectionSampling: false,
    generate: () => generateKeyPairSync('x25519').privateKey,
  },
  {
    spki: Buffer.from('302a300506032b656e032100', 'hex'),
    pkcs8: Buffer.from('302e020100300506032b656e04220420', 'hex'),
    scalarAt: 16,
    checkScalar: () => {},
    checkShared(shared) {
      if (allZero(shared)) throw rejected(); // RFC 9180, section 7.1.4
    },
  },
);

const p256Order = Buffer.from('ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551', 'hex');

const p256 = derGroup(
  {
    name: 'DHKEM(P-256, HKDF-SHA256)',
    id: 0x0010,
    publicLength: 65,
    rejectionSampling: true,
    generate: () => generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey,
  },
  {
    spki: Buffer.from('3059301306072a8648ce3d020106082a8648ce3d030107034200', 'hex'),
    pkcs8: Buffer.from('3041020100301306072a8648ce3d020106082a8648ce3d030107042730250201010420', 'hex'),
    scalarAt: 36,
    checkScalar(raw) {
      // OpenSSL takes any number here.
      if (allZero(raw) || Buffer.compare(raw, p256Order) >= 0) throw new TypeError('no scalar of P-256');
    },
    checkShared: () => {},
  },
);

/** What Node >= 24.7 adds to `node:crypto`. */
interface NativeKem {
  encapsulate(key: KeyObject): { sharedKey: Buffer; ciphertext: Buffer };
  decapsulate(key: KeyObject, ciphertext: Uint8Array): Buffer;
}

type MlkemParts<Dk> = Pick<
  XWingParts<Dk, KeyObject>,
  'mlkemKeyPair' | 'mlkemEncapsulate' | 'mlkemDecapsulate'
>;

/** PKCS#8 of an ML-KEM-768 seed and SPKI of an encapsulation key (RFC 9935), up to the raw octets. */
const mlkemPkcs8 = Buffer.from('3054020100300b06096086480165030404020442' + '8040', 'hex');
const mlkemSpki = Buffer.from('308204b2300b0609608648016503040402038204a100', 'hex');

function nativeMlkem(native: NativeKem): MlkemParts<KeyObject> {
  return {
    mlkemKeyPair(seed) {
      const der = Buffer.concat([mlkemPkcs8, seed]);
      const dk = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
      der.fill(0);
      const spki = createPublicKey(dk).export({ format: 'der', type: 'spki' });
      return { dk, ek: spki.subarray(mlkemSpki.length) };
    },
    mlkemEncapsulate(ek) {
      const key = createPublicKey({ key: Buffer.concat([mlkemSpki, ek]), format: 'der', type: 'spki' });
      const { sharedKey, ciphertext } = native.encapsulate(key);
      return { ct: ciphertext, ss: sharedKey };
    },
    mlkemDecapsulate: (ct, dk) => native.decapsulate(dk, ct),
  };
}

async function nobleMlkem(): Promise<MlkemParts<Uint8Array>> {
  const { ml_kem768: mlkem } = await import('@noble/post-quantum/ml-kem.js');
  return {
    mlkemKeyPair(seed) {
      const { secretKey, publicKey } = mlkem.keygen(seed);
      return { dk: secretKey, ek: publicKey };
    },
    mlkemEncapsulate(ek) {
      const { cipherText, sharedSecret } = mlkem.encapsulate(ek);
      return { ct: cipherText, ss: sharedSecret };
    },
    mlkemDecapsulate: (ct, dk) => mlkem.decapsulate(ct, dk),
  };
}

function nodeXwing<Dk>(mlkem: MlkemParts<Dk>): KEM {
  return xwing<Dk, KeyObject>({
    ...mlkem,
    randomBytes,
    shake256: (data, length) => plain(createHash('shake256', { outputLength: length }).update(data).digest()),
    sha3_256: (data) => plain(createHash('sha3-256').update(data).digest()),
    x25519KeyPair(scalar) {
      const sk = x25519.importPrivate(scalar);
      return { sk, pk: x25519.exportPublic(x25519.publicOf(sk)) };
    },
    x25519: (sk, pk) => x25519.dh(sk, x25519.importPublic(pk)),
  });
}

/** True if `node:crypto` does ML-KEM itself (Node >= 24.7). */
export const hasNativeMlkem = 'encapsulate' in nodeCrypto;

/** The platform's ML-KEM-768, or noble's. Exported, as the next one, so that tests compare them. */
export async function loadMlkem(native: boolean): Promise<MlkemParts<unknown>> {
  const parts: unknown = native ? nativeMlkem(nodeCrypto as unknown as NativeKem) : await nobleMlkem();
  return parts as MlkemParts<unknown>;
}

/** MLKEM768-X25519 on the platform's ML-KEM, or on noble's. */
export async function loadXwing(native: boolean): Promise<KEMFactory> {
  const kem = nodeXwing(await loadMlkem(native));
  return () => kem;
}

async function createKem(id: number): Promise<KEMFactory> {
  if (id === 0x647a) return loadXwing(hasNativeMlkem);
  const group = [p256, x25519].find((each) => each.id === id);
  if (group === undefined) throw new TypeError(`no KEM has the id ${id}`);
  const kem = dhkem(group, kdf());
  return () => kem;
}

const kems = new Map<number, Promise<KEMFactory>>();

export function loadKem(id: number): Promise<KEMFactory> {
  let kem = kems.get(id);
  if (kem === undefined) {
    kem = createKem(id);
    kems.set(id, kem);
  }
  return kem;
}
