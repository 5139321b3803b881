// What a page of the browser runs: the table over a sealed fetch of the page's own origin, or over the platform's.
import { createSealedFetch } from '@sealwire/client';
import { cases } from './cases.ts';
import { observeAll } from './run.ts';

declare global {
  /** Without an identity it runs over the platform's fetch. */
  function observeTable(identity?: string): Promise<Record<string, unknown>>;
}

globalThis.observeTable = (identity) => {
  const { origin } = location;
  const sealedFetch = identity
    ? (createSealedFetch({ origin, identity, suites: ['X25519'] }) as typeof fetch)
    : fetch.bind(globalThis);
  return observeAll(cases, sealedFetch, origin);
};
