import { createECDH } from 'node:crypto';
import type { KemPrivateKey } from '@sealwire/core';
import { openToken, type Token, type TokenOptions } from '@sealwire/pkcs11';
import express from 'express';
import { test } from 'uvu';
import { within } from './cases.ts';
import { keysWith } from './kept-keys.ts';
import { needing } from './needs.ts';
import { afterwards } from './resources.ts';
import { type SealedServer, startSealed } from './servers.ts';
import { pin, SoftHsm } from './softhsm.ts';

/** Registers a test that needs SoftHSM, with a time limit. */
export function onToken(name: string, run: () => Promise<void>): void {
  needing('softhsm2', test)(name, () => within(run(), name, 30_000));
}

/** A SoftHSM with the token `orders`. */
export function newHsm(): SoftHsm {
  const hsm = new SoftHsm();
  hsm.init('orders');
  return hsm;
}

/** Opens the token `orders`; it is closed after the test. */
export async function openOrders(hsm: SoftHsm, options: Partial<TokenOptions> = {}): Promise<Token> {
  const token = await openToken({ module: hsm.module, label: 'orders', pin, sessions: 2, ...options });
  afterwards(() => token.close());
  return token;
}

/** Does Diffie-Hellman with a new peer. @returns true if both get the same */
export async function agrees(key: KemPrivateKey): Promise<boolean> {
  if (!('dh' in key)) throw new Error('a key that does no Diffie-Hellman');
  const peer = createECDH('prime256v1');
  const shared = await key.dh(peer.generateKeys());
  return peer.computeSecret(key.pub).equals(shared);
}

/** Starts an application whose only KEM key is this one. */
export async function serveWith(key: KemPrivateKey): Promise<SealedServer> {
  return startSealed(
    express,
    (app) => {
      app.use(express.json());
      app.post('/orders', (req, res) => {
        res.json({ ordered: req.body.item, suite: req.sealed?.suite });
      });
    },
    { keys: await keysWith(key) },
  );
}

export const order = (item: string): RequestInit => ({
  method: 'POST',
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify({ item }),
});
