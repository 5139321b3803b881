import {
  AEAD_AES_256_GCM,
  CipherSuite,
  type KeyPair,
  MODE_BASE,
  MODE_PSK,
  type Mode,
  type RecipientContext,
  type SenderContext,
} from 'hpke';
import { kdf, loadKem } from '#kems';
import { checkEncoding, pskId, pskOf, type SetupInput } from './hpke-input.ts';
import { withDecapsulatedKeys } from './kem-private-key.ts';
import type { Suite } from './suites.ts';

export type { KeyPair } from 'hpke';

const loaded = new Map<number, Promise<CipherSuite>>();

/** The HPKE cipher suite of a Sealwire suite; its KEM may be loaded on demand. */
export function loadCipherSuite(suite: Suite): Promise<CipherSuite> {
  let cipherSuite = loaded.get(suite.kem);
  if (cipherSuite === undefined) {
    cipherSuite = loadKem(suite.kem).then(
      (kem) => new CipherSuite(withDecapsulatedKeys(kem), kdf, AEAD_AES_256_GCM),
    );
    // A chunk that failed to load is asked for again by the next handshake.
    cipherSuite.catch(() => loaded.delete(suite.kem));
    loaded.set(suite.kem, cipherSuite);
  }
  return cipherSuite;
}

/** Node has the cryptography of every suite. */
export async function isSupported(_suite: Suite): Promise<boolean> {
  return true;
}

/**
 * SetupBaseS or SetupPSKS (RFC 9180, section 5.1).
 * @throws SealwireError `rejected` for a public key that is not of the suite's form; hpke's errors for one that is no
 * key of its group
 */
export async function setupSender(
  suite: Suite,
  pub: Uint8Array,
  input: SetupInput,
): Promise<{ enc: Uint8Array; ctx: SenderContext }> {
  checkEncoding(suite, pub, suite.pubLength);
  const cipherSuite = await loadCipherSuite(suite);
  const publicKey = await cipherSuite.DeserializePublicKey(pub);
  const { encapsulatedSecret, ctx } = await cipherSuite.SetupSender(publicKey, options(input));
  assertMode(ctx.mode, input);
  return { enc: encapsulatedSecret, ctx };
}

/** SetupBaseR or SetupPSKR. Takes a key pair: a private key alone fails on some platforms. */
export async function setupRecipient(
  suite: Suite,
  pair: KeyPair,
  enc: Uint8Array,
  input: SetupInput,
): Promise<RecipientContext> {
  checkEncoding(suite, enc, suite.encLength);
  const cipherSuite = await loadCipherSuite(suite);
  const ctx = await cipherSuite.SetupRecipient(pair, enc, options(input));
  assertMode(ctx.mode, input);
  return ctx;
}

/** A fresh key pair of the suite's KEM; the private key cannot be exported. */
export async function generateKemPair(suite: Suite): Promise<{ pair: KeyPair; pub: Uint8Array }> {
  const cipherSuite = await loadCipherSuite(suite);
  const pair = await cipherSuite.GenerateKeyPair();
  return { pair, pub: await cipherSuite.SerializePublicKey(pair.publicKey) };
}

// hpke chooses the mode by what it is given, and nothing given is base mode.
function options(input: SetupInput) {
  const psk = pskOf(input);
  return psk === undefined ? { info: input.info } : { info: input.info, psk, pskId };
}

function assertMode(mode: Mode, input: SetupInput): void {
  if (mode !== ('psk' in input ? MODE_PSK : MODE_BASE)) throw new TypeError('HPKE chose another mode');
}
