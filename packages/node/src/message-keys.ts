import {
  type AeadKey,
  hmacSha512,
  importAeadKey,
  type MasterKey,
  requestKeyInput,
  responseKeyInput,
  splitKeyMaterial,
} from '@sealwire/core';

/** Keys of one sealed message, derived synchronously. */
export interface MessageKeys {
  readonly key: AeadKey;
  readonly baseNonce: Uint8Array;
}

export function requestKeys(master: MasterKey, n: number, nonceQ: Uint8Array): MessageKeys {
  return derive(master, requestKeyInput(n, nonceQ));
}

export function responseKeys(
  master: MasterKey,
  n: number,
  nonceQ: Uint8Array,
  nonceP: Uint8Array,
): MessageKeys {
  return derive(master, responseKeyInput(n, nonceQ, nonceP));
}

function derive(master: MasterKey, input: Uint8Array): MessageKeys {
  const block = hmacSha512(master, input);
  const { key: keyBytes, baseNonce } = splitKeyMaterial(block);
  const key = importAeadKey(keyBytes);
  keyBytes.fill(0);
  return { key, baseNonce };
}
