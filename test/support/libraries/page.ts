// What a page of the browser runs: a behaviour over a sealed fetch of the page's own origin, or over the platform's.
import { createSealedFetch, type SealedFetch } from '@sealwire/client';
import { behaviours } from './behaviours.ts';
import type { Given } from './set-ups.ts';

declare global {
  /** Without an identity it runs over the platform's fetch. */
  function behave(name: string, identity?: string): Promise<unknown>;
}

globalThis.behave = async (name, identity) => {
  const { origin } = location;
  const sealedFetch = identity
    ? createSealedFetch({ origin, identity, suites: ['X25519'] })
    : (fetch.bind(globalThis) as unknown as SealedFetch);
  const behaviour = behaviours[name] as (given: Given) => Promise<unknown>;
  return behaviour({ sealedFetch, origin, apiKey: 'sk-test' });
};
