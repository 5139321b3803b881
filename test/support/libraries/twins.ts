import type { SealedFetch } from '@sealwire/client';
import express from 'express';
import * as assert from 'uvu/assert';
import { it } from '../cases.ts';
import { startTwins } from '../twins.ts';
import { libraryFields, libraryRoutes } from './app.ts';
import type { Given } from './set-ups.ts';

/** A set-up takes either: it does not know which of the two it gets. */
export const platformFetch = fetch as unknown as SealedFetch;

/** Registers a test for each: what an app sees over a sealed fetch is what it sees over the platform's. */
export function sameOverSealedFetch(behaviours: Record<string, (given: Given) => Promise<unknown>>): void {
  for (const [name, behave] of Object.entries(behaviours)) {
    it(name, async () => {
      const { sealed, servers } = await startTwins(express, libraryRoutes, { fields: libraryFields });
      const apiKey = 'sk-test';
      const expected = await behave({ sealedFetch: platformFetch, origin: servers.plain.origin, apiKey });
      assert.is.not(expected, undefined);
      assert.equal(await behave({ sealedFetch: sealed, origin: servers.sealed.origin, apiKey }), expected);
    });
  }
}
