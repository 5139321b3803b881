import { equalBytes } from './bytes.ts';
import { SealwireError } from './errors.ts';
import { type KeyPair, loadCipherSuite } from './hpke.ts';
import { checkEncoding } from './hpke-input.ts';
import { decapsulatedPair, type KemPrivateKey } from './kem-private-key.ts';
import { computeKid } from './kid.ts';
import type { Maybe } from './primitives.ts';
import { type Suite, type SuiteName, suiteByName, suites } from './suites.ts';

/** A KEM key of the server, wherever its private half is. */
export interface ServerKemKey {
  readonly kid: string;
  readonly suite: Suite;
  readonly pub: Uint8Array;
  /** True if the private half is kept elsewhere, so that `pairFor` takes its time and may be `unavailable`. */
  readonly remote: boolean;
  /** The key pair that opens what was encapsulated as `enc`. @throws SealwireError `rejected`, `unavailable` */
  pairFor(enc: Uint8Array): Maybe<KeyPair>;
}

/** A new key of a suite in bytes: its public half, and the secret half for {@link importKemKey}. */
export async function generateKemKey(name: SuiteName): Promise<{ pub: Uint8Array; secret: Uint8Array }> {
  const cipherSuite = await loadCipherSuite(requireSuite(name));
  const { publicKey, privateKey } = await cipherSuite.GenerateKeyPair(true);
  return {
    pub: await cipherSuite.SerializePublicKey(publicKey),
    secret: await cipherSuite.SerializePrivateKey(privateKey),
  };
}

/**
 * The key of two halves. Zeroes `secret`.
 * @throws SealwireError `invalid-option` for a suite that there is none of; TypeError and errors of the platform for
 * halves that are no key, or do not belong together
 */
export async function importKemKey(
  name: SuiteName,
  pub: Uint8Array,
  secret: Uint8Array,
): Promise<ServerKemKey> {
  const suite = requireSuite(name);
  const cipherSuite = await loadCipherSuite(suite);
  const publicKey = await cipherSuite.DeserializePublicKey(pub);
  const privateKey = await cipherSuite.DeserializePrivateKey(secret);
  secret.fill(0);
  const pair = { publicKey, privateKey };
  // The two halves have to belong together, or every handshake would fail later.
  const none = new Uint8Array();
  const probe = await cipherSuite.SendExport(publicKey, none, 32);
  const seen = await cipherSuite.ReceiveExport(pair, probe.encapsulatedSecret, none, 32);
  if (!equalBytes(probe.exportedSecret, seen)) throw new TypeError('not a key pair');
  return { kid: await computeKid(suite.kem, pub), suite, pub, remote: false, pairFor: () => pair };
}

/**
 * The key of an HSM, a KMS, or whatever else does its private operation.
 * @throws SealwireError `invalid-option` for a public half that is none of its suite, or a key that can do nothing
 */
export async function remoteKemKey(key: KemPrivateKey): Promise<ServerKemKey> {
  const suite = requireSuite(key?.suite);
  const able = 'decapsulate' in key ? key.decapsulate : suite.name !== 'MLKEM768-X25519' && key.dh;
  if (typeof able !== 'function')
    throw new SealwireError(
      'invalid-option',
      `A key of ${suite.name} that is kept elsewhere can do nothing.`,
    );
  try {
    checkEncoding(suite, key.pub, suite.pubLength);
    await (await loadCipherSuite(suite)).DeserializePublicKey(key.pub);
  } catch (cause) {
    const detail = `The public half of a key that is kept elsewhere is none of ${suite.name}.`;
    throw new SealwireError('invalid-option', detail, { cause });
  }
  return {
    kid: await computeKid(suite.kem, key.pub),
    suite,
    pub: key.pub,
    remote: true,
    pairFor: (enc) => decapsulatedPair(suite, key, enc),
  };
}

function requireSuite(name: string): Suite {
  const suite = suiteByName(name);
  if (suite !== undefined) return suite;
  const known = suites.map((each) => each.name).join(', ');
  throw new SealwireError(
    'invalid-option',
    `There is no suite ${JSON.stringify(name)}; the suites are ${known}.`,
  );
}
