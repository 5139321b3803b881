// Which handshakes are computed first, which wait, and which are refused when there are too many.
import type { IncomingMessage } from 'node:http';
import { isSealwireError, SealwireError } from '@sealwire/core';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { deferred, it } from '../../../test/support/cases.ts';
import { failure } from '../../../test/support/problems.ts';
import { Admission } from '../src/admission.ts';
import { clientAddress } from '../src/client-address.ts';

/** Runs some work of an address, which fails or not, and notes the order. */
function start(admission: Admission, order: string[], address: string, fails = false) {
  return admission.run(address, async () => {
    order.push(address);
    await Promise.resolve();
    if (fails) throw new Error('garbage');
    return address;
  });
}

/** Takes all places with work that goes on until it is let go. */
function occupy(admission: Admission) {
  const gate = deferred();
  const running = Array.from({ length: 4 }, () => admission.run('busy', () => gate.promise));
  return async () => {
    gate.resolve();
    await Promise.all(running);
  };
}

it('work is done and answered, four at a time', async () => {
  const admission = new Admission(4);
  let running = 0;
  let most = 0;
  const results = await Promise.all(
    Array.from({ length: 50 }, (_, i) =>
      admission.run('a', async () => {
        most = Math.max(most, ++running);
        await new Promise((resolve) => setImmediate(resolve));
        running--;
        return i;
      }),
    ),
  );
  assert.equal(
    results,
    Array.from({ length: 50 }, (_, i) => i),
  );
  assert.is(most, 4);
  assert.match(String(await failure(start(admission, [], 'a', true))), 'garbage');
});

it('a crowd from one address makes others wait for one turn, not for the crowd', async () => {
  const admission = new Admission(4);
  const release = occupy(admission);
  const order: string[] = [];
  const all = Array.from({ length: 40 }, () => start(admission, order, 'crowd'));
  all.push(start(admission, order, 'one'), start(admission, order, 'two'));
  await release();
  await Promise.all(all);
  assert.is(order.length, 42);
  assert.ok(order.indexOf('one') <= 2 && order.indexOf('two') <= 3, order.join(' '));
});

it('an address whose handshakes fail comes last, and is served when there is room', async () => {
  const admission = new Admission(4);
  const order: string[] = [];
  // 64 may fail; those that succeed cost nothing.
  for (let i = 0; i < 200; i++) await start(admission, order, 'honest');
  for (let i = 0; i < 70; i++) await failure(start(admission, order, 'garbage', true));
  order.length = 0;
  const release = occupy(admission);
  const all = [
    ...Array.from({ length: 3 }, () => start(admission, order, 'garbage')),
    ...Array.from({ length: 9 }, () => start(admission, order, 'honest')),
  ];
  await release();
  await Promise.all(all);
  assert.equal(order.slice(0, 9), Array(9).fill('honest'));
  assert.equal(order.slice(9), Array(3).fill('garbage'));
});

it('what the server itself lacks is not counted against who calls', async () => {
  const admission = new Admission(4);
  const order: string[] = [];
  for (const code of ['unavailable', 'too-many-handshakes'] as const) {
    const fails = () => Promise.reject(new SealwireError(code));
    for (let i = 0; i < 100; i++) await failure(admission.run('unlucky', fails));
  }
  for (let i = 0; i < 70; i++) await failure(start(admission, order, 'garbage', true));
  order.length = 0;
  const release = occupy(admission);
  const all = ['garbage', 'unlucky'].map((address) => start(admission, order, address));
  await release();
  await Promise.all(all);
  assert.equal(order, ['unlucky', 'garbage']);
});

it('when too many wait, who brought the most is refused, and nobody else', async () => {
  const admission = new Admission(4);
  const release = occupy(admission);
  const order: string[] = [];
  const refused = (promise: Promise<unknown>) =>
    promise.then(
      () => false,
      (error) => isSealwireError(error, 'too-many-handshakes'),
    );
  const crowd = Array.from({ length: 1024 }, () => refused(start(admission, order, 'crowd')));
  const others = Array.from({ length: 20 }, (_, i) => refused(start(admission, order, `other${i}`)));
  const late = refused(start(admission, order, 'crowd'));
  assert.is(await late, true);
  await release();
  assert.equal(await Promise.all(others), Array(20).fill(false));
  const outcomes = await Promise.all(crowd);
  assert.is(outcomes.filter((each) => each).length, 20);
  assert.is(order.length, 1024);
  assert.is(await refused(start(admission, order, 'crowd')), false);
});

/** Starts work and says in `refused` when it was refused. */
function attempt(admission: Admission, order: string[], refused: string[], address: string, name = address) {
  return admission
    .run(address, async () => void order.push(name))
    .catch((error) => {
      assert.ok(isSealwireError(error, 'too-many-handshakes'), String(error));
      refused.push(name);
    });
}

const names = (what: string, count: number) => Array.from({ length: count }, (_, i) => `${what}${i}`);

it('when all who wait have brought one, who comes later is refused, and all others have their turn', async () => {
  const admission = new Admission(4);
  const release = occupy(admission);
  const order: string[] = [];
  const refused: string[] = [];
  const [waiting, surplus] = [names('waiting', 1024), names('surplus', 200)];
  const all = waiting.map((address) => attempt(admission, order, refused, address));
  await Promise.all(surplus.map((address) => attempt(admission, order, refused, address)));
  assert.equal(refused, surplus);
  // Nor does one of those who wait take the place of another.
  await attempt(admission, order, refused, 'waiting7', 'once more');
  assert.equal(refused, [...surplus, 'once more']);
  await release();
  await Promise.all(all);
  assert.equal(order, waiting);
  for (const address of ['surplus0', 'waiting0', 'later']) await attempt(admission, order, refused, address);
  assert.equal(order.slice(1024), ['surplus0', 'waiting0', 'later']);
  assert.is(refused.length, 201);
});

it('who brought many loses the latest to newcomers, and nobody else loses any', async () => {
  const admission = new Admission(4);
  const release = occupy(admission);
  const order: string[] = [];
  const refused: string[] = [];
  const all = [attempt(admission, order, refused, 'first')];
  for (const name of names('three-', 3)) all.push(attempt(admission, order, refused, 'three', name));
  for (const address of names('single', 1020)) all.push(attempt(admission, order, refused, address));
  for (const address of names('newcomer', 4))
    await Promise.race([
      all[all.push(attempt(admission, order, refused, address)) - 1],
      new Promise((resolve) => setImmediate(resolve)),
    ]);
  assert.equal(refused, ['three-2', 'three-1', 'newcomer2', 'newcomer3']);
  await release();
  await Promise.all(all);
  assert.equal(order, ['first', 'three-0', ...names('single', 1020), 'newcomer0', 'newcomer1']);
});

it('places are free again however work ends, and however often room was made', async () => {
  const admission = new Admission(4);
  const order: string[] = [];
  const refused: string[] = [];
  for (let i = 0; i < 20; i++) {
    const thrown = admission.run('throws', () => {
      throw new Error('at once');
    });
    assert.match(String(await failure(thrown)), 'at once');
  }
  for (let round = 0; round < 3; round++) {
    // A place is free again a little later than its work is answered.
    for (let i = 0; i < 8; i++) await new Promise((resolve) => setImmediate(resolve));
    order.length = 0;
    refused.length = 0;
    const release = occupy(admission);
    const all = names('crowd', 1500).map((name, i) =>
      attempt(admission, order, refused, `of${i % 700}`, name),
    );
    all.push(...names('single', 300).map((name) => attempt(admission, order, refused, name)));
    await release();
    await Promise.all(all);
    assert.is(order.length, 1024);
    assert.is(refused.length, 1800 - 1024);
    // Whoever came has been served, as long as there were places for one each.
    assert.equal(
      order.filter((name) => name.startsWith('single')),
      names('single', 300),
    );
    assert.is(order.filter((name) => Number(name.slice(5)) < 700 && name.startsWith('crowd')).length, 700);
  }
});

it('addresses are those of connections, or what the trusted proxies wrote', () => {
  const request = (remoteAddress: string | undefined, forwarded?: string) =>
    ({ socket: { remoteAddress }, headers: { 'x-forwarded-for': forwarded } }) as unknown as IncomingMessage;
  for (const [remote, forwarded, proxies, expected] of [
    ['203.0.113.5', undefined, 0, '203.0.113.5'],
    ['203.0.113.5', '198.51.100.1', 0, '203.0.113.5'],
    ['203.0.113.5', '198.51.100.1', 1, '198.51.100.1'],
    ['203.0.113.5', '6.6.6.6, 198.51.100.1', 1, '198.51.100.1'],
    ['203.0.113.5', '6.6.6.6, 198.51.100.1, 192.0.2.7', 2, '198.51.100.1'],
    ['203.0.113.5', '198.51.100.1', 2, '203.0.113.5'],
    ['203.0.113.5', 'unknown', 1, '203.0.113.5'],
    ['203.0.113.5', undefined, 1, '203.0.113.5'],
    ['::ffff:203.0.113.5', undefined, 0, '203.0.113.5'],
    ['2001:db8:1:2:3:4:5:6', undefined, 0, '2001:db8:1:2::'],
    ['2001:0DB8:1:2::9', undefined, 0, '2001:db8:1:2::'],
    ['2001:db8::9', undefined, 0, '2001:db8:0:0::'],
    ['1:2::4:5:6:7:8', undefined, 0, '1:2:0:4::'],
    ['fe80::1%eth0', undefined, 0, 'fe80:0:0:0::'],
    ['::1', undefined, 0, '0:0:0:0::'],
    [undefined, undefined, 0, ''],
  ] as const) {
    assert.is(
      clientAddress(request(remote, forwarded), proxies),
      expected,
      `${remote} ${forwarded} ${proxies}`,
    );
  }
});

test.run();
