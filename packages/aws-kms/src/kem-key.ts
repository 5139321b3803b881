import { createECDH, createSecretKey, type ECDH, type KeyObject, timingSafeEqual } from 'node:crypto';
import { DeriveSharedSecretCommand, GetPublicKeyCommand, type KMSClient } from '@aws-sdk/client-kms';
import { SealwireError } from '@sealwire/core';
import { ask, regionOf } from './ask.ts';
import { type Call, wrongAnswer } from './failure.ts';
import { checkKeyId, isOfKey, type KmsOptions, timeLimitOf } from './options.ts';
import { pointOf, spkiOf } from './p256-spki.ts';
import { SingleFlight } from './single-flight.ts';

/** A `KemPrivateKey` of core whose private half never leaves AWS KMS. */
export interface KmsKemKey {
  readonly suite: 'P-256';
  /** 65 bytes, an uncompressed point. */
  readonly pub: Uint8Array;
  /** One call of `DeriveSharedSecret`: 32 bytes. @throws SealwireError `keys-invalid`, `unavailable` */
  dh(peer: Uint8Array): Promise<Uint8Array>;
}

const secretLength = 32;
const fetching = new WeakMap<KMSClient, SingleFlight<Uint8Array>>();

/**
 * A key in AWS KMS (KeySpec `ECC_NIST_P256`, KeyUsage `KEY_AGREEMENT`) as KEM key of the suite P-256. Its public half is
 * fetched here, and one agreement is tried, so that a server does not start with a key that it may not use.
 *
 * @param keyId its id or ARN
 * @throws SealwireError `keys-invalid` with the remedy, `unavailable` if KMS does not answer, `invalid-option`
 * @example
 * const key = await kmsKemKey(new KMSClient(), process.env.KEM_KEY_ARN);
 */
export async function kmsKemKey(
  client: KMSClient,
  keyId: string,
  options: KmsOptions = {},
): Promise<KmsKemKey> {
  checkKeyId(keyId);
  const timeLimit = timeLimitOf(options);
  const region = await regionOf(client);
  const pub = await flightsOf(client).do(keyId, () => {
    return publicHalf(client, { action: 'GetPublicKey', keyId, region }, timeLimit);
  });
  const call: Call = { action: 'DeriveSharedSecret', keyId, region };
  const flights = new SingleFlight<KeyObject>();

  async function dh(peer: Uint8Array): Promise<Uint8Array> {
    const point = Buffer.from(peer).toString('latin1');
    // Each who asks gets bytes of his own, which he may zero.
    return (await flights.do(point, () => derive(client, call, peer, timeLimit))).export();
  }

  await checkAgreement(call, pub, dh);
  return { suite: 'P-256', pub, dh };
}

function flightsOf(client: KMSClient): SingleFlight<Uint8Array> {
  const flights = fetching.get(client) ?? new SingleFlight();
  fetching.set(client, flights);
  return flights;
}

async function publicHalf(client: KMSClient, call: Call, timeLimit: number): Promise<Uint8Array> {
  const command = new GetPublicKeyCommand({ KeyId: call.keyId });
  const answer = await ask(call, timeLimit, (options) => client.send(command, options));
  if (!isOfKey(answer.KeyId, call.keyId)) throw wrongAnswer(call, 'is of another key', 'keys-invalid');
  const { KeyUsage: usage, KeySpec: spec } = answer;
  if (usage !== 'KEY_AGREEMENT' || spec !== 'ECC_NIST_P256') {
    const detail = `The key ${call.keyId} has KeyUsage ${usage} and KeySpec ${spec}; make one with KEY_AGREEMENT and ECC_NIST_P256.`;
    throw new SealwireError('keys-invalid', detail);
  }
  const pub = pointOf(answer.PublicKey ?? new Uint8Array());
  if (pub === undefined) throw wrongAnswer(call, 'is no public key of P-256', 'keys-invalid');
  return pub;
}

async function derive(
  client: KMSClient,
  call: Call,
  peer: Uint8Array,
  timeLimit: number,
): Promise<KeyObject> {
  const command = new DeriveSharedSecretCommand({
    KeyId: call.keyId,
    KeyAgreementAlgorithm: 'ECDH',
    PublicKey: spkiOf(peer),
  });
  const { KeyId, SharedSecret } = await ask(call, timeLimit, (options) => client.send(command, options));
  try {
    if (!isOfKey(KeyId, call.keyId)) throw wrongAnswer(call, 'is of another key');
    if (SharedSecret?.length !== secretLength) throw wrongAnswer(call, 'has not 32 bytes');
    return createSecretKey(SharedSecret);
  } finally {
    SharedSecret?.fill(0);
  }
}

/** Whether this process may use the private half, and whether that belongs to the public one. */
async function checkAgreement(call: Call, pub: Uint8Array, dh: KmsKemKey['dh']): Promise<void> {
  const peer = createECDH('prime256v1');
  const seen = await dh(peer.generateKeys());
  if (!timingSafeEqual(seen, secretWith(peer, pub) ?? new Uint8Array(secretLength))) {
    throw wrongAnswer(call, 'does not fit its public key', 'keys-invalid');
  }
}

function secretWith(peer: ECDH, pub: Uint8Array): Uint8Array | undefined {
  try {
    return peer.computeSecret(pub);
  } catch {
    return undefined; // not a point on the curve
  }
}
