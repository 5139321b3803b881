import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { usableKeys, verifyConfiguration } from '../src/configuration.ts';
import { beginHandshake } from '../src/handshake-client.ts';
import { answerHandshake } from '../src/handshake-server.ts';
import { parsePin } from '../src/identity.ts';
import { StaticKeys } from '../src/static-keys.ts';
import { type SuiteName, suites } from '../src/suites.ts';
import { bytesOf, day, hour, now, origin } from './support/configurations.ts';
import { refusal, refusalCode } from './support/refusal.ts';
import { RecordingStore } from './support/sessions.ts';

const subject = { aud: [origin], fields: ['x-app-*'] };

interface Exported {
  sealwire: number;
  identity: { pub: string; seed: string };
  kem: { suite: string; pub: string; key: string }[];
}

async function verified(keys: StaticKeys, at = now) {
  const { body } = await keys.publish(subject, at);
  return (await verifyConfiguration(bytesOf(body), { identities: keys.pins, origin, now: at })).payload;
}

test('what is published is verified against the pin, and every key in it does a handshake', async () => {
  const keys = await StaticKeys.generate();
  assert.is(keys.pins.length, 1);
  parsePin(keys.pins[0]);
  const payload = await verified(keys);
  assert.equal(payload.aud, subject.aud);
  assert.equal(payload.fields, subject.fields);
  const usable = await usableKeys(payload, now);
  assert.equal(
    usable.map(({ suite }) => suite),
    suites,
  );
  for (const key of usable) {
    const client = await beginHandshake(key, now);
    const reply = await answerHandshake(client.body, {
      findKey: (kid) => keys.findKey(kid),
      store: new RecordingStore(),
      now,
      maxAge: day,
      maxIdle: hour,
    });
    await client.finish(reply);
  }
  assert.is(keys.findKey('A'.repeat(43)), undefined);
});

test('keys that were exported are the same after import, for the suites that were named', async () => {
  for (const names of [
    ['X25519'],
    ['P-256', 'MLKEM768-X25519'],
    ['MLKEM768-X25519', 'X25519', 'P-256'],
  ] as SuiteName[][]) {
    const text = await StaticKeys.generateExported(names);
    const [one, two] = [await StaticKeys.import(text), await StaticKeys.import(text)];
    assert.equal(one.pins, two.pins);
    const [a, b] = [await verified(one), await verified(two)];
    assert.equal(a, b);
    assert.equal(
      (await usableKeys(a, now)).map(({ suite }) => suite.name),
      names,
    );
  }
});

test('new keys are new', async () => {
  const [one, two] = [await StaticKeys.generate(['X25519']), await StaticKeys.generate(['X25519'])];
  assert.is.not(one.pins[0], two.pins[0]);
  assert.is.not((await verified(one)).keys[0]?.kid, (await verified(two)).keys[0]?.kid);
});

test('a configuration is signed for a day, and again after an hour, with a higher seq', async () => {
  const keys = await StaticKeys.generate(['X25519']);
  const first = await verified(keys);
  assert.is(first.exp - first.iat, day);
  assert.is(first.iat, now);
  const { body } = await keys.publish(subject, now);
  assert.is((await keys.publish(subject, now + hour - 1)).body, body);
  const later = await verified(keys, now + hour);
  assert.is(later.iat, now + hour);
  assert.ok(later.seq > first.seq);
});

test('each subject has a configuration of its own', async () => {
  const keys = await StaticKeys.generate(['X25519']);
  const { body } = await keys.publish(subject, now);
  const other = { aud: ['https://other.example'], fields: [] };
  const { body: otherBody } = await keys.publish(other, now);
  assert.is.not(otherBody, body);
  const check = { identities: keys.pins, origin: 'https://other.example', now };
  assert.equal((await verifyConfiguration(bytesOf(otherBody), check)).payload.aud, other.aud);
  assert.is((await keys.publish(subject, now)).body, body);
});

test('a cache keeps a configuration for minutes, not every client for the same time', async () => {
  const keys = await StaticKeys.generate(['X25519']);
  const ages = new Set<number>();
  for (let i = 0; i < 20; i++) {
    const { maxAge } = await keys.publish(subject, now);
    assert.ok(Number.isInteger(maxAge) && maxAge >= 60_000 && maxAge <= 300_000);
    ages.add(maxAge);
  }
  assert.ok(ages.size > 1);
});

test('a suite that does not exist is refused by name, with those that do', async () => {
  await StaticKeys.generate(['X25519']);
  const error = await refusal(() => StaticKeys.generate(['x448' as SuiteName]));
  assert.is(error.code, 'invalid-option');
  assert.match(error.message, '"x448"');
  for (const { name } of suites) assert.match(error.message, name);
});

async function importChanged(change: (exported: Exported, other: Exported) => unknown) {
  const [text, otherText] = [await StaticKeys.generateExported(), await StaticKeys.generateExported()];
  await StaticKeys.import(text);
  const exported = JSON.parse(text) as Exported;
  const changed = change(exported, JSON.parse(otherText)) ?? exported;
  return refusalCode(() =>
    StaticKeys.import(typeof changed === 'string' ? changed : JSON.stringify(changed)),
  );
}

test('a text that is not an export is refused', async () => {
  for (const text of ['', 'null', '[]', '{}', '{"sealwire":1}', 'sw1']) {
    assert.is(await importChanged(() => text), 'invalid-option', text);
  }
  assert.is(await importChanged(({ identity }) => ({ sealwire: 1, identity })), 'invalid-option');
  assert.is(await importChanged(({ kem }) => ({ sealwire: 1, kem })), 'invalid-option');
  assert.is(
    await importChanged(({ kem, ...rest }) => ({ ...rest, kem: [{ ...kem[0], suite: 'X448' }] })),
    'invalid-option',
  );
});

test('an export with several mistakes is refused once, and nothing else is rejected', async () => {
  const unheard: unknown[] = [];
  const note = (reason: unknown) => unheard.push(reason);
  process.on('unhandledRejection', note);
  for (const more of [[null], [{}], [{ suite: 'X448' }, null]]) {
    const code = await importChanged(({ kem: [key], ...rest }) => ({
      ...rest,
      kem: [{ ...key, key: 'AAAA' }, ...more],
    }));
    assert.is(code, 'invalid-option');
  }
  await new Promise((resolve) => setTimeout(resolve, 20));
  process.off('unhandledRejection', note);
  assert.equal(unheard, []);
});

test('an export of another version is refused', async () => {
  assert.is(await importChanged((exported) => ({ ...exported, sealwire: 2 })), 'invalid-option');
  assert.is(await importChanged(({ identity, kem }) => ({ identity, kem })), 'invalid-option');
});

test('a KEM key whose halves do not belong together is refused', async () => {
  for (const i of [0, 1, 2]) {
    const code = await importChanged((exported, other) => {
      const [entry, foreign] = [exported.kem[i], other.kem[i]];
      if (entry !== undefined && foreign !== undefined) entry.pub = foreign.pub;
    });
    assert.is(code, 'invalid-option', `key ${i}`);
  }
});

test('an identity whose halves do not belong together is refused', async () => {
  const code = await importChanged((exported, other) => {
    exported.identity.pub = other.identity.pub;
  });
  assert.is(code, 'invalid-option');
});

test('a key that was damaged is refused', async () => {
  for (const member of ['pub', 'key'] as const) {
    for (const i of [0, 1, 2]) {
      const code = await importChanged((exported) => {
        const entry = exported.kem[i];
        if (entry !== undefined) entry[member] = entry[member].slice(0, -4);
      });
      assert.is(code, 'invalid-option', `${member} of key ${i}`);
    }
  }
});

test.run();
