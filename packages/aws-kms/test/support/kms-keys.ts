import {
  createCipheriv,
  createDecipheriv,
  createPublicKey,
  diffieHellman,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
  randomUUID,
} from 'node:crypto';
import { isSecret } from '../../../../test/support/recording.ts';

// The keys of the double, and what KMS does with them, by node:crypto.

export type KeyKind = 'P-256' | 'P-384' | 'P-256 for signing' | 'symmetric';

/** What KMS answers instead of a result. */
export class KmsError extends Error {
  readonly status: number;

  constructor(name: string, message: string = name, status = 400) {
    super(message);
    this.name = name;
    this.status = status;
  }
}

export interface KmsKey {
  readonly id: string;
  readonly arn: string;
  readonly kind: KeyKind;
  state: 'Enabled' | 'Disabled' | 'PendingDeletion';
  readonly spec: string;
  readonly usage: string;
  readonly pair?: { privateKey: KeyObject; publicKey: KeyObject };
  readonly secret: Buffer;
}

const kinds: Record<KeyKind, { spec: string; usage: string; curve?: string }> = {
  'P-256': { spec: 'ECC_NIST_P256', usage: 'KEY_AGREEMENT', curve: 'P-256' },
  'P-384': { spec: 'ECC_NIST_P384', usage: 'KEY_AGREEMENT', curve: 'P-384' },
  'P-256 for signing': { spec: 'ECC_NIST_P256', usage: 'SIGN_VERIFY', curve: 'P-256' },
  symmetric: { spec: 'SYMMETRIC_DEFAULT', usage: 'ENCRYPT_DECRYPT' },
};

export function newKey(kind: KeyKind, region: string): KmsKey {
  const id = randomUUID();
  const { spec, usage, curve } = kinds[kind];
  const pair = curve === undefined ? {} : { pair: generateKeyPairSync('ec', { namedCurve: curve }) };
  const arn = `arn:aws:kms:${region}:111122223333:key/${id}`;
  return { id, arn, kind, state: 'Enabled', spec, usage, ...pair, secret: newSecret() };
}

function newSecret(): Buffer {
  const secret = randomBytes(32);
  isSecret(secret);
  return secret;
}

/** Fields of a request or an answer as JSON has them: bytes in base64. */
export type Fields = Record<string, unknown>;
type Operation = (key: KmsKey, request: Fields) => Fields;

export const operations: Readonly<Record<string, Operation>> = {
  GetPublicKey(key) {
    const { publicKey } = pairOf(key);
    const algorithms = key.usage === 'KEY_AGREEMENT' ? { KeyAgreementAlgorithms: ['ECDH'] } : {};
    return {
      KeyId: key.arn,
      KeySpec: key.spec,
      KeyUsage: key.usage,
      PublicKey: publicKey.export({ format: 'der', type: 'spki' }).toString('base64'),
      ...algorithms,
    };
  },

  DeriveSharedSecret(key, request) {
    const { privateKey } = pairOf(key);
    if (key.usage !== 'KEY_AGREEMENT') throw new KmsError('InvalidKeyUsageException');
    if (request.KeyAgreementAlgorithm !== 'ECDH') throw new KmsError('ValidationException');
    const publicKey = createPublicKey({ key: bytesOf(request.PublicKey), format: 'der', type: 'spki' });
    const shared = diffieHellman({ privateKey, publicKey });
    isSecret(shared);
    return {
      KeyId: key.arn,
      KeyAgreementAlgorithm: 'ECDH',
      KeyOrigin: 'AWS_KMS',
      SharedSecret: shared.toString('base64'),
    };
  },

  GenerateDataKey(key, request) {
    requireSymmetric(key);
    if (request.KeySpec !== 'AES_256') throw new KmsError('ValidationException');
    const plaintext = newSecret();
    return {
      KeyId: key.arn,
      Plaintext: plaintext.toString('base64'),
      CiphertextBlob: encrypt(key, plaintext, contextOf(request)).toString('base64'),
    };
  },

  Decrypt(key, request) {
    requireSymmetric(key);
    const plaintext = decrypt(key, bytesOf(request.CiphertextBlob), contextOf(request));
    return {
      KeyId: key.arn,
      EncryptionAlgorithm: 'SYMMETRIC_DEFAULT',
      Plaintext: plaintext.toString('base64'),
    };
  },
};

function pairOf({ pair }: KmsKey) {
  if (pair === undefined) throw new KmsError('UnsupportedOperationException');
  return pair;
}

function requireSymmetric({ kind }: KmsKey): void {
  if (kind !== 'symmetric') throw new KmsError('InvalidKeyUsageException');
}

function bytesOf(value: unknown): Buffer {
  return Buffer.from(String(value), 'base64');
}

/** The order of the entries does not matter, everything else does. */
function contextOf({ EncryptionContext = {} }: Fields): Buffer {
  return Buffer.from(JSON.stringify(Object.entries(EncryptionContext as object).sort()));
}

// A blob: the id of its key (36 bytes) ‖ nonce ‖ ciphertext ‖ tag.
const idLength = 36;
const nonceLength = 12;
const tagLength = 16;

function encrypt(key: KmsKey, plaintext: Buffer, context: Buffer): Buffer {
  const nonce = randomBytes(nonceLength);
  const cipher = createCipheriv('aes-256-gcm', key.secret, nonce).setAAD(context);
  const sealed = Buffer.concat([cipher.update(plaintext), cipher.final()]);
  return Buffer.concat([Buffer.from(key.id), nonce, sealed, cipher.getAuthTag()]);
}

function decrypt(key: KmsKey, blob: Buffer, context: Buffer): Buffer {
  if (
    /^[0-9a-f-]{36}$/.test(blob.toString('latin1', 0, idLength)) &&
    !blob.toString('latin1').startsWith(key.id)
  )
    throw new KmsError('IncorrectKeyException');
  const sealedAt = idLength + nonceLength;
  try {
    const decipher = createDecipheriv('aes-256-gcm', key.secret, blob.subarray(idLength, sealedAt))
      .setAAD(context)
      .setAuthTag(blob.subarray(-tagLength));
    return Buffer.concat([decipher.update(blob.subarray(sealedAt, -tagLength)), decipher.final()]);
  } catch {
    throw new KmsError('InvalidCiphertextException');
  }
}
