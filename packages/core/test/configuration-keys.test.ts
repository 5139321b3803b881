import { createHash } from 'node:crypto';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { usableKeys } from '../src/configuration.ts';
import { computeKid } from '../src/kid.ts';
import type { ConfigurationKey } from '../src/schemas.ts';
import { type Suite, suiteById, suiteByKem, suiteByName, suites } from '../src/suites.ts';
import { day, now, payloadWith } from './support/configurations.ts';
import { refusalCode } from './support/refusal.ts';
import { createKey } from './support/sessions.ts';

const minute = 60_000;
const b64u = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64url');
const [xwing, x25519, p256] = suites as [Suite, Suite, Suite];

async function entry(suite: Suite, changes: Partial<ConfigurationKey> = {}): Promise<ConfigurationKey> {
  const { kid, pub } = await createKey(suite);
  return { kid, kem: suite.kem, pub: b64u(pub), suites: [suite.id], nbf: now, exp: now + day, ...changes };
}

const usable = async (...keys: ConfigurationKey[]) => usableKeys(payloadWith({ keys }), now);

test('the suites are those of the protocol', () => {
  assert.equal(
    suites.map(({ name, kem, id, encLength, pubLength }) => [name, kem, id, encLength, pubLength]),
    [
      ['MLKEM768-X25519', 0x647a, '647a00010002', 1120, 1216],
      ['X25519', 0x0020, '002000010002', 32, 32],
      ['P-256', 0x0010, '001000010002', 65, 65],
    ],
  );
  for (const suite of suites) {
    assert.is(suiteById(suite.id), suite);
    assert.is(suiteByName(suite.name), suite);
    assert.is(suiteByKem(suite.kem), suite);
  }
  assert.is(suiteById('002000010001'), undefined);
  assert.is(suiteByName('x25519'), undefined);
  assert.is(suiteByKem(0x0021), undefined);
});

test('the id of a key is the hash of its KEM and its public key', async () => {
  for (const suite of suites) {
    const { kid, pub } = await createKey(suite);
    const input = Buffer.concat([
      Buffer.from('sealwire/1 kid\0'),
      Buffer.from([suite.kem >> 8, suite.kem & 0xff]),
      pub,
    ]);
    assert.is(kid, createHash('sha256').update(input).digest('base64url'));
    assert.is(await computeKid(suite.kem, pub), kid);
  }
});

test('the keys of every suite can be used, in the order of the configuration', async () => {
  const keys = [await entry(p256), await entry(xwing), await entry(x25519), await entry(p256)];
  const found = await usable(...keys);
  assert.equal(
    found.map(({ kid, suite, pub }) => [kid, suite.kem, b64u(pub)]),
    keys.map(({ kid, kem, pub }) => [kid, kem, pub]),
  );
  assert.equal(await usable(), []);
});

test('a KEM or a suite that nobody knows yet is passed over', async () => {
  const known = await entry(x25519);
  const future: ConfigurationKey = { ...known, kem: 0x0041, pub: 'AAAA', suites: ['004100010002'] };
  const otherAead = await entry(x25519, { suites: ['002000010003', '002000030002'] });
  const both = await entry(x25519, { suites: ['002000010003', x25519.id] });
  const found = await usable(future, otherAead, known, both);
  assert.equal(
    found.map(({ kid }) => kid),
    [known.kid, both.kid],
  );
  assert.ok(found.every(({ suite }) => suite === x25519));
  assert.equal(await usable(future), []);
});

test('a key under a suite of another KEM is passed over', async () => {
  assert.equal(await usable(await entry(x25519, { suites: [p256.id] })), []);
  assert.is((await usable(await entry(x25519, { suites: [p256.id, x25519.id] }))).length, 1);
});

test('the id of a key is computed, not believed', async () => {
  const [one, two] = [await entry(x25519), await entry(x25519)];
  assert.is((await usable(one, two)).length, 2);
  for (const wrong of [
    { ...one, kid: two.kid },
    { ...one, pub: two.pub },
    { ...one, pub: b64u(new Uint8Array(31)) },
    { ...one, pub: b64u(new Uint8Array(33)) },
    { ...one, pub: `${one.pub}=` },
    { ...one, kem: p256.kem, suites: [p256.id] },
  ]) {
    assert.is(await refusalCode(() => usable(two, wrong)), 'configuration-invalid');
  }
});

test('a key is used from nbf to exp, five minutes of clock difference granted', async () => {
  const key = await entry(x25519, { nbf: now, exp: now + day });
  const at = async (time: number) => (await usableKeys(payloadWith({ keys: [key] }), time)).length;
  for (const time of [now - 5 * minute, now, now + day, now + day + 5 * minute - 1])
    assert.is(await at(time), 1);
  for (const time of [0, now - 5 * minute - 1, now + day + 5 * minute, now + 9 * day])
    assert.is(await at(time), 0);
});

test.run();
