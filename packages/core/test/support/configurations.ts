import type { ConfigurationPayload } from '../../src/schemas.ts';

export const hour = 3_600_000;
export const day = 24 * hour;
export const now = 1_700_000_000_000;
export const origin = 'https://api.example.com';

/** A payload as a server signs it now; times in milliseconds. */
export function payloadWith(
  changes: Partial<Record<keyof ConfigurationPayload, unknown>> = {},
): ConfigurationPayload {
  return {
    v: 1,
    aud: [origin],
    seq: 7,
    iat: now,
    exp: now + day,
    handshake: '/.well-known/sealwire/handshake',
    fields: ['x-app-*'],
    keys: [],
    ...changes,
  } as ConfigurationPayload;
}

export function bytesOf(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(text);
}
