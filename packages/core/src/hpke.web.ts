import { concat, u16, utf8 } from './bytes.ts';
import { aeadOpen, aeadSeal, importAeadKey } from './crypto.web.ts';
import { labeledHkdf, noSalt } from './hkdf.web.ts';
import { checkEncoding, type Exporter, pskId, pskOf, type SetupInput } from './hpke-input.ts';
import { type EphemeralKem, hasKem, type KemPair, loadEphemeralKem } from './kem.web.ts';
import type { Suite } from './suites.ts';

// HPKE (RFC 9180) as far as the client of a handshake needs it, over WebCrypto, in a sixth of the bytes of `hpke`:
// base and PSK mode, HKDF-SHA256, AES-256-GCM, and one message for each context.

const none = new Uint8Array();
const loaded = new Map<number, Promise<EphemeralKem>>();

function loadKem({ kem: id }: Suite): Promise<EphemeralKem> {
  let kem = loaded.get(id);
  if (kem === undefined) {
    kem = loadEphemeralKem(id);
    // A chunk that failed to load is asked for again, where the platform or the bundler's loader takes that up.
    kem.catch(() => loaded.delete(id));
    loaded.set(id, kem);
  }
  return kem;
}

/** True if this platform has the cryptography of a suite, or will have once the suite's code is loaded. */
export function isSupported({ kem }: Suite): Promise<boolean> {
  return hasKem(kem);
}

/** Seals or opens its one message, and derives other secrets. */
export interface OneMessageContext extends Exporter {
  Seal(plaintext: Uint8Array): Promise<Uint8Array>;
  Open(ciphertext: Uint8Array): Promise<Uint8Array>;
}

/** What goes into the key schedule; without a psk it is base mode. */
export interface Schedule {
  readonly shared: Uint8Array;
  readonly info: Uint8Array;
  readonly psk?: Uint8Array | undefined;
  readonly pskId: Uint8Array;
}

/** KeySchedule (RFC 9180, section 5.1). */
export async function keySchedule(
  kem: number,
  { shared, info, psk, pskId }: Schedule,
): Promise<OneMessageContext> {
  const hkdf = labeledHkdf(concat(utf8('HPKE'), u16(kem), u16(0x0001), u16(0x0002)));
  const context = concat(
    Uint8Array.of(psk === undefined ? 0 : 1),
    await hkdf.extract(noSalt, 'psk_id_hash', psk === undefined ? none : pskId),
    await hkdf.extract(noSalt, 'info_hash', info),
  );
  const secret = await hkdf.extract(shared, 'secret', psk ?? none);
  shared.fill(0);
  const keyBytes = await hkdf.expand(secret, 'key', context, 32);
  const key = await importAeadKey(keyBytes);
  keyBytes.fill(0);
  const nonce = await hkdf.expand(secret, 'base_nonce', context, 12);
  const exporter = await hkdf.expand(secret, 'exp', context, 32);
  secret.fill(0);

  let used = false;
  // The nonce of the first message is the base nonce itself: it is taken once, before anything is awaited.
  function takeNonce(): Uint8Array {
    if (used) throw new TypeError('a context has one message');
    used = true;
    return nonce;
  }

  return {
    Seal: async (plaintext) => concat(...(await aeadSeal(key, takeNonce(), none, [plaintext]))),
    Open: async (sealed) => concat(...(await aeadOpen(key, takeNonce(), none, [sealed], none))),
    Export: (exporterContext, length) => hkdf.expand(exporter, 'sec', exporterContext, length),
  };
}

/**
 * SetupBaseS or SetupPSKS (RFC 9180, section 5.1).
 * @throws SealwireError `rejected` for a public key that is not of the suite's form; the platform's errors for one that
 * is no key of its group
 */
export async function setupSender(
  suite: Suite,
  pub: Uint8Array,
  input: SetupInput,
): Promise<{ enc: Uint8Array; ctx: OneMessageContext }> {
  checkEncoding(suite, pub, suite.pubLength);
  const psk = pskOf(input);
  const { enc, shared } = await (await loadKem(suite)).encap(pub);
  return { enc, ctx: await keySchedule(suite.kem, { shared, info: input.info, psk, pskId }) };
}

/** SetupBaseR or SetupPSKR. */
export async function setupRecipient(
  suite: Suite,
  pair: KemPair,
  enc: Uint8Array,
  input: SetupInput,
): Promise<OneMessageContext> {
  checkEncoding(suite, enc, suite.encLength);
  const psk = pskOf(input);
  return keySchedule(suite.kem, { shared: await pair.decap(enc), info: input.info, psk, pskId });
}

/** A fresh key pair of the suite's KEM; the private key cannot be exported. */
export async function generateKemPair(suite: Suite): Promise<{ pair: KemPair; pub: Uint8Array }> {
  const pair = await (await loadKem(suite)).generate();
  return { pair, pub: pair.pub };
}
