// Keys that are kept elsewhere and take their time: who waits for them, and who does not.
import { createECDH } from 'node:crypto';
import type { KemPrivateKey } from '@sealwire/core';
import { KeyRing, memoryStorage } from '@sealwire/keys';
import express from 'express';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { deferred, it, within } from './support/cases.ts';
import { clientOf } from './support/clients.ts';
import { until } from './support/left-behind.ts';
import { thrown } from './support/problems.ts';
import { EventList } from './support/recorded-events.ts';
import { secretStorage } from './support/recording.ts';
import { afterwards } from './support/resources.ts';
import { startSealed } from './support/servers.ts';

/** A P-256 key of another place, whose every answer waits until `gate` is open, and fails if the gate is broken. */
function lateKey() {
  const ecdh = createECDH('prime256v1');
  const gate = deferred();
  const asked = { now: 0, most: 0, ever: 0 };
  const key: KemPrivateKey = {
    suite: 'P-256',
    pub: new Uint8Array(ecdh.generateKeys()),
    async dh(peer) {
      asked.ever++;
      asked.most = Math.max(asked.most, ++asked.now);
      try {
        await gate.promise;
      } finally {
        asked.now--;
      }
      return new Uint8Array(ecdh.computeSecret(peer));
    },
  };
  return { key, gate, asked };
}

/** A server with a key of its own for X25519, and one for P-256 that answers late. */
async function start() {
  const { key, gate, asked } = lateKey();
  const keys = await KeyRing.create(secretStorage(memoryStorage()), { suites: ['X25519'], remote: [key] });
  afterwards(() => keys.close());
  const audit = new EventList();
  const routes: Parameters<typeof startSealed>[1] = (app) =>
    app.get('/', (req, res) => void res.send(req.sealed?.suite));
  const server = await startSealed(express, routes, { keys, audit });
  /** A client of its own, so that each does a handshake. */
  const call = async (suite: 'X25519' | 'P-256') => (await clientOf(server, { suites: [suite] })('/')).text();
  return { gate, asked, audit, call };
}

it('many handshakes wait for a late key at a time, up to a bound, and all others are done meanwhile', async () => {
  const { gate, asked, call } = await start();
  const late = Array.from({ length: 80 }, () => call('P-256'));
  await until(() => asked.now === 64, 'the key is asked for 64 handshakes');
  for (let i = 0; i < 10; i++)
    assert.is(await within(call('X25519'), 'a handshake with another key', 2000), 'X25519');
  assert.equal(asked, { now: 64, most: 64, ever: 64 });
  gate.resolve();
  assert.equal(await Promise.all(late), Array(80).fill('P-256'));
  assert.equal(asked, { now: 0, most: 64, ever: 80 });
});

it('a key that fails harms nobody but those who wait for it, and operators hear why', async () => {
  const { gate, asked, audit, call } = await start();
  const failing = Array.from({ length: 80 }, () => thrown(call('P-256'), 'unavailable'));
  await until(() => asked.now === 64, 'the key is asked');
  gate.reject(Object.assign(new Error('not to be told'), { name: 'CKR_DEVICE_REMOVED' }));
  await Promise.all(failing);
  const causes = new Set(audit.of('handshake.rejected').map(({ reason, cause }) => `${reason} ${cause}`));
  assert.equal([...causes], ['unavailable CKR_DEVICE_REMOVED']);
  assert.is(await call('X25519'), 'X25519');
});

it('a key that never answers is given up, and its places are free again', async () => {
  const { asked, audit, call } = await start();
  const hanging = Array.from({ length: 65 }, () => thrown(call('P-256'), 'unavailable'));
  await Promise.all(hanging);
  assert.is(asked.ever >= 65, true);
  assert.ok(audit.of('handshake.rejected').every(({ cause }) => cause === 'TimeoutError'));
});

test.run();
