// Which process may do what with a key, and who hears of what it may not.
import { beginHandshake, handshakeType, importKemKey, type UsableKey, usableKeys } from '@sealwire/core';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { it } from '../../../test/support/cases.ts';
import { thrown } from '../../../test/support/problems.ts';
import { startSealedNode } from '../../../test/support/servers.ts';
import { type AccessPolicy, type KeyRing, openBundle } from '../src/index.ts';
import {
  day,
  fetched,
  hour,
  hsmKey,
  idOf,
  newRing,
  openRing,
  recordingAudit,
  subject,
} from './support/rings.ts';

const policy: AccessPolicy = {
  server: { kem: ['decapsulate'], identity: ['sign'], 'store-wrap': ['unwrap'] },
  operator: { kem: ['rotate'], identity: ['rotate'], 'store-wrap': ['rotate'], audit: ['rotate', 'sign'] },
  officer: { kem: ['rotate', 'destroy'], 'store-wrap': ['rotate', 'destroy'] },
  backup: { kem: ['export'], 'store-wrap': ['export'] },
};

/** The same ring as seen by each actor. */
async function actors() {
  const { ring, storage, time } = await newRing();
  const { id } = await ring.add({ purpose: 'store-wrap' });
  await ring.promote(id);
  const audit = recordingAudit();
  const as = (actor: string) => openRing(storage, { clock: time, actor, policy, audit });
  const [server, operator, officer, backup, stranger] = [
    await as('server'),
    await as('operator'),
    await as('officer'),
    await as('backup'),
    await as('constructor'),
  ];
  return { ring, time, audit, server, operator, officer, backup, stranger };
}

it('each actor may do what the policy lists for it, and nothing else', async () => {
  const { ring, time, audit, ...rings } = await actors();
  const kid = idOf(ring, 'active');
  const wrap = idOf(ring, 'active', 'AES-256-GCM');
  const operations: Record<string, [(keys: KeyRing) => unknown, string[]]> = {
    decapsulate: [(keys) => keys.findKey(kid), ['server']],
    sign: [
      (keys) => {
        time.pass(hour);
        return keys.publish({ ...subject, fields: [`x-${time()}`] });
      },
      ['server'],
    ],
    unwrap: [(keys) => keys.symmetricKey('store-wrap', wrap), ['server']],
    rotate: [(keys) => keys.rotate(), ['operator', 'officer']],
    add: [(keys) => keys.add({ purpose: 'audit' }), ['operator']],
    export: [(keys) => keys.export(kid), ['backup']],
    // There is an identity in it, too.
    exportBundle: [(keys) => keys.exportBundle(), []],
    start: [(keys) => keys.start(), ['operator', 'officer']],
  };
  for (const [name, [operation, allowed]] of Object.entries(operations)) {
    for (const [actor, keys] of Object.entries(rings)) {
      audit.events.length = 0;
      const attempt = (async () => operation(keys))();
      if (allowed.includes(actor)) await attempt;
      else {
        assert.match((await thrown(attempt, 'key-denied')).message, '`policy`', `${actor} ${name}`);
        const [event, more] = audit.events;
        assert.is(event?.type, 'key.denied', `${actor} ${name}`);
        assert.is(event?.type === 'key.denied' && event.actor, actor === 'stranger' ? 'constructor' : actor);
        assert.is(more, undefined);
      }
    }
  }
});

it('a key of an HSM that the ring does not know is added by who may rotate, and by nobody else', async () => {
  const { storage, time } = await newRing();
  const audit = recordingAudit();
  const remote = [hsmKey()];
  const as = (actor: string) => openRing(storage, { clock: time, actor, policy, audit, remote });
  const before = await storage.read();
  await thrown(as('server'), 'key-denied');
  assert.equal(
    audit.events.map(({ type }) => type),
    ['key.denied'],
  );
  assert.is(await storage.read(), before);
  const operator = await as('operator');
  assert.is(idOf(operator, 'active', 'P-256'), operator.entries.at(-1)?.id);
  await as('server');
});

it('without a policy a process may do everything but take secrets away', async () => {
  const audit = recordingAudit();
  const { ring, time } = await newRing({ audit });
  const kid = idOf(ring, 'active');
  await thrown(ring.export(kid), 'key-denied');
  assert.equal(audit.events.at(-1), {
    type: 'key.denied',
    time: time(),
    kid,
    purpose: 'kem',
    actor: 'server',
    operation: 'export',
  });
  const { pub, ...rest } = ring.exportPublic(kid);
  assert.equal(rest, { id: kid, purpose: 'kem', alg: 'X25519', status: 'active' });
  assert.is(pub?.length, 43);
});

it('what is exported is the key', async () => {
  const { ring, backup } = await actors();
  const kid = idOf(ring, 'active');
  const { secret, pub, ...rest } = await backup.export(kid);
  assert.equal(rest, { id: kid, purpose: 'kem', alg: 'X25519', status: 'active' });
  assert.is((await importKemKey('X25519', Buffer.from(pub as string, 'base64url'), secret)).kid, kid);
  const wrap = idOf(ring, 'active', 'AES-256-GCM');
  const { secret: bytes } = await backup.export(wrap);
  assert.ok((await ring.symmetricKey('store-wrap'))?.key.export().equals(bytes));
});

it('who may rotate but not destroy leaves that to others', async () => {
  const { ring, time, operator, officer, server } = await actors();
  const old = idOf(ring, 'active');
  for (const passing of [31 * day, hour, 25 * hour, 2 * day]) {
    time.pass(passing);
    await operator.rotate();
    await fetched(server, time());
  }
  assert.is(operator.exportPublic(old).status, 'disabled');
  await thrown(operator.destroy(old), 'key-denied');
  await officer.rotate();
  assert.is(officer.exportPublic(old).status, 'destroyed');
});

it('a key that is given out is on record before, alone and in a bundle', async () => {
  const { ring, storage, time } = await newRing();
  const audit = recordingAudit();
  const all = { kem: ['export'], identity: ['export'] } as const;
  const backup = await openRing(storage, { clock: time, actor: 'backup', policy: { backup: all }, audit });
  const kid = idOf(ring, 'active');
  (await backup.export(kid)).secret.fill(0);
  assert.equal(
    audit.events.map((event) => [event.type, 'kid' in event && event.kid]),
    [['key.exported', kid]],
  );
  audit.events.length = 0;
  const opened = await openBundle(await backup.exportBundle());
  assert.equal((await opened.read()).entries, ring.entries);
  assert.equal(new Set(audit.events.map(({ type }) => type)), new Set(['key.exported']));
  assert.is(audit.events.length, ring.entries.length);
});

it('who may not sign publishes what others signed, and who may not decapsulate says nothing of it to clients', async () => {
  const { ring, time, server, operator, audit } = await actors();
  await thrown(operator.publish(subject), 'key-denied');
  const { body } = await ring.publish(subject);
  const denied = audit.events.length;
  for (let i = 0; i < 3; i++) {
    time.pass(2 * hour);
    assert.is((await operator.publish(subject)).body, body);
  }
  assert.is(audit.events.length, denied);
  const { origin } = await startSealedNode(() => {}, { keys: operator });
  const held = await fetched(server, time());
  const [key] = await usableKeys(held.payload, time());
  const { body: hello } = await beginHandshake(key as UsableKey, time());
  const response = await fetch(`${origin}/.well-known/sealwire/handshake`, {
    method: 'POST',
    headers: { 'content-type': handshakeType },
    body: hello,
  });
  assert.is(response.status, 500);
  assert.is(response.headers.get('sealwire'), null);
  await response.text();
});

test.run();
