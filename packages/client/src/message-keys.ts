import {
  type AeadKey,
  hmacSha512,
  importAeadKey,
  type MasterKey,
  requestKeyInput,
  responseKeyInput,
  splitKeyMaterial,
} from '@sealwire/core';

/** Keys of one sealed message. */
export interface MessageKeys {
  readonly key: AeadKey;
  readonly baseNonce: Uint8Array;
}

export function requestKeys(master: MasterKey, n: number, nonceQ: Uint8Array): Promise<MessageKeys> {
  return derive(master, requestKeyInput(n, nonceQ));
}

export function responseKeys(
  master: MasterKey,
  n: number,
  nonceQ: Uint8Array,
  nonceP: Uint8Array,
): Promise<MessageKeys> {
  return derive(master, responseKeyInput(n, nonceQ, nonceP));
}

async function derive(master: MasterKey, input: Uint8Array): Promise<MessageKeys> {
  const block = await hmacSha512(master, input);
  const { key: keyBytes, baseNonce } = splitKeyMaterial(block);
  const key = await importAeadKey(keyBytes);
  keyBytes.fill(0);
  return { key, baseNonce };
}
