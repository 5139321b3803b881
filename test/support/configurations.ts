import {
  type ConfigurationPayload,
  decodeBase64Url,
  fromUtf8,
  generateSigner,
  type ServerKeys,
  type Signer,
  signConfiguration,
} from '@sealwire/core';
import { formatPin } from '../../packages/core/src/identity.ts';

export const minute = 60_000;
export const day = 86_400_000;

/** An identity whose signing a test does itself. */
export async function newIdentity(): Promise<Signer & { pin: string }> {
  const signer = await generateSigner();
  return Object.assign(signer, { pin: formatPin(signer.pub) });
}

/** Keys whose configuration the test decides: that of other keys, changed and signed by whom it says. */
export function publishing(
  keys: ServerKeys,
  identities: readonly Signer[],
  change: () => Partial<ConfigurationPayload> = () => ({}),
): ServerKeys {
  return {
    pins: identities.map(({ pub }) => formatPin(pub)),
    findKey: (kid) => keys.findKey(kid),
    async publish(subject, now) {
      const { body, maxAge } = await keys.publish(subject, now);
      const { payload: text } = JSON.parse(body) as { payload: string };
      const original = JSON.parse(fromUtf8(decodeBase64Url(text))) as ConfigurationPayload;
      const changed = { ...original, ...change() };
      // The keys are as valid as the configuration says it is.
      const { iat: nbf, exp } = changed;
      const payload = { ...changed, keys: changed.keys.map((key) => ({ ...key, nbf, exp })) };
      return { body: await signConfiguration(payload, identities), maxAge };
    },
  };
}

/** A clock that a test moves: its wall hand, its monotonic hand, or both. */
export function movableClock() {
  const moved = { wall: 0, monotonic: 0 };
  return {
    moved,
    now: () => Date.now() + moved.wall,
    monotonic: () => performance.now() + moved.monotonic,
    pass(milliseconds: number) {
      moved.wall += milliseconds;
      moved.monotonic += milliseconds;
    },
  };
}

/** A storage that remembers what was asked of it. */
export function recordingStorage(kept: Record<string, string> = {}) {
  const storage = {
    kept,
    gets: 0,
    sets: 0,
    get(name: string) {
      storage.gets++;
      return kept[name];
    },
    set(name: string, text: string) {
      storage.sets++;
      kept[name] = text;
    },
  };
  return storage;
}
