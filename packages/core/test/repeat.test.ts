// The field that names an earlier attempt, and what its server does about it.
import { createHmac } from 'node:crypto';
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { importMaster } from '#crypto';
import { encodeBase64Url } from '../src/base64url.ts';
import { burnEarlier } from '../src/burning.ts';
import { MemorySessionStore } from '../src/memory-store.ts';
import {
  importRepeatKey,
  isProven,
  readRepeats,
  repeatField,
  repeatKeyBytes,
  repeatValue,
} from '../src/repeat.ts';
import { maxExchanges } from '../src/session-store.ts';
import { refusalCode, refusalCodeSync } from './support/refusal.ts';
import { minute, now, sessionInfo } from './support/store.ts';
import { toHex } from './support/vectors.ts';

const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
const sid = bytes(16).map((id) => encodeBase64Url(id));
const n = fc.integer({ min: 0, max: maxExchanges - 1 });
const time = fc.integer({ min: 0, max: 10 ** 15 });

async function keyOf(master: Uint8Array) {
  return importRepeatKey(await repeatKeyBytes(await importMaster(master)));
}

/** The same from docs/PROTOCOL.md alone. */
function expectedProof(master: Uint8Array, attempt: number, by: { sid: string; n: number }): string {
  const u64 = (value: number) => {
    const out = Buffer.alloc(8);
    out.writeBigUInt64BE(BigInt(value));
    return out;
  };
  const mac = (key: Uint8Array, ...parts: (string | Uint8Array)[]) =>
    parts.reduce((hmac, part) => hmac.update(part), createHmac('sha512', key)).digest();
  const k = mac(master, 'sealwire/1 repeat key\0', Buffer.of(1)).subarray(0, 32);
  const input = ['sealwire/1 repeat\0', u64(attempt), Buffer.from(by.sid, 'base64url'), u64(by.n)];
  return mac(k, ...input)
    .subarray(0, 16)
    .toString('base64url');
}

test('a value names the attempt, proves it, and is read as it was written', async () => {
  await fc.assert(
    fc.asyncProperty(bytes(64), sid, n, sid, n, time, async (master, named, number, bySid, byN, at) => {
      const [attempt, by] = [
        { sid: named, n: number },
        { sid: bySid, n: byN },
      ];
      const key = await keyOf(master);
      const value = await repeatValue(key, attempt, at, by);
      const [repeat] = readRepeats([
        ['accept', '*/*'],
        [repeatField, value],
      ]);
      assert.ok(repeat);
      assert.equal(repeat, { ...attempt, at, proof: expectedProof(master, number, by) });
      assert.ok(await isProven(key, repeat, by));
      assert.not.ok(await isProven(key, { ...repeat, n: (number + 1) % maxExchanges }, by));
      assert.not.ok(await isProven(key, repeat, { ...by, n: (byN + 1) % maxExchanges }));
      assert.not.ok(await isProven(await keyOf(master.map((byte) => byte ^ 1)), repeat, by));
    }),
    { numRuns: 50 },
  );
});

test('whatever else stands in the field is refused', () => {
  const genuine = `${'A'.repeat(22)};7;${'A'.repeat(22)};1700000000000`;
  assert.is(readRepeats([[repeatField, genuine]]).length, 1);
  const edges = ['', ';', `${genuine};`, ` ${genuine}`, genuine.replace(';7;', ';07;')];
  const large = [`;${maxExchanges};`, ';-1;', ';1e3;', ';;'].map((each) => genuine.replace(';7;', each));
  const odd = [genuine.replace(/A;7/, 'B;7'), genuine.replace('1700000000000', '01'), genuine.slice(1)];
  for (const value of [...edges, ...large, ...odd]) {
    assert.is(
      refusalCodeSync(() => readRepeats([[repeatField, value]])),
      'malformed',
      value,
    );
  }
  fc.assert(
    fc.property(fc.string(), (value) => {
      assert.is(
        refusalCodeSync(() => readRepeats([[repeatField, value]])),
        'malformed',
      );
    }),
  );
  const two = [
    [repeatField, genuine],
    [repeatField, genuine],
  ] as const;
  assert.is(readRepeats(two).length, 2);
  assert.is(
    refusalCodeSync(() => readRepeats([...two, two[0]])),
    'malformed',
  );
});

const master = (byte: number) => new Uint8Array(64).fill(byte);
const name = (byte: number) => encodeBase64Url(new Uint8Array(16).fill(byte));

/** A store with one session that took exchange 0, and what names its exchanges. */
async function started(options = {}) {
  const store = new MemorySessionStore(options);
  assert.ok(await store.create(name(1), sessionInfo(), master(1), now));
  assert.is(store.accept(name(1), 0, now), 'accepted');
  const by = { sid: name(2), n: 0 };
  const key = await keyOf(master(1));
  const repeat = async (number: number, at = now) =>
    readRepeats([[repeatField, await repeatValue(key, { sid: name(1), n: number }, at, by)]]);
  return { store, by, repeat };
}

test('what is burnt is never accepted, and what was accepted is not burnt', async () => {
  const { store, by, repeat } = await started();
  const refusal = (number: number) =>
    refusalCode(async () => burnEarlier(store, await repeat(number), by, 'POST', now));
  await burnEarlier(store, await repeat(1), by, 'POST', now);
  assert.is(store.accept(name(1), 1, now), 'replayed');
  assert.is(await refusal(0), 'replayed');
  assert.is(await refusal(1), 'replayed');
  assert.is(store.accept(name(1), 2, now), 'accepted');
});

test('a session that ended is remembered for 10 minutes, without its secret', async () => {
  const { store, by, repeat } = await started();
  store.end(name(1), now);
  assert.is(await store.load(name(1), now), undefined);
  const late = now + 10 * minute - 1;
  await burnEarlier(store, await repeat(1), by, 'POST', late);
  assert.is(await refusalCode(async () => burnEarlier(store, await repeat(0), by, 'POST', late)), 'replayed');
  const forgotten = now + 10 * minute;
  assert.is(
    await refusalCode(async () => burnEarlier(store, await repeat(2), by, 'POST', forgotten)),
    'outcome-unknown',
  );
  await burnEarlier(store, await repeat(2), by, 'GET', forgotten);
});

test('of a session that nobody knows, only a store that has forgotten none can say that it took nothing', async () => {
  const { store, by } = await started({ sole: true });
  const unknown = (at: number) => [{ sid: name(9), n: 0, proof: name(9), at }];
  const refused = (at: number, time = now + minute) =>
    refusalCode(() => burnEarlier(store, unknown(at), by, 'POST', time));
  const sure = now + 30_001;
  await burnEarlier(store, unknown(sure), by, 'POST', now + minute);
  // Before its first session, or while clocks disagree, it may have been another process.
  for (const at of [now - 1, now, now + 30_000, now + minute + 1, now + 60 * minute]) {
    assert.is(await refused(at), 'outcome-unknown', String(at - now));
  }
  // What ended more than 10 minutes ago is forgotten.
  await burnEarlier(store, unknown(sure), by, 'POST', sure + 10 * minute - 1);
  assert.is(await refused(sure, sure + 10 * minute), 'outcome-unknown');
  const shared = (await started()).store;
  assert.is(
    await refusalCode(() => burnEarlier(shared, unknown(sure), by, 'POST', now + minute)),
    'outcome-unknown',
  );
});

test('a store that answers something else than a time cannot tell', async () => {
  const { by } = await started();
  const unknown = [{ sid: name(9), n: 0, proof: name(9), at: now }];
  for (const answer of [null, '0', true, [], Number.NaN]) {
    const store = Object.assign(new MemorySessionStore(), { completeSince: () => answer as number });
    const code = await refusalCode(() => burnEarlier(store, unknown, by, 'POST', now));
    assert.is(code, 'outcome-unknown', String(answer));
  }
});

test('a store that fails at once for one session and later for another fails the request only', async () => {
  const unheard: unknown[] = [];
  const note = (reason: unknown) => unheard.push(reason);
  process.on('unhandledRejection', note);
  const { by } = await started();
  const unknown = [8, 9].map((byte) => ({ sid: name(byte), n: 0, proof: name(9), at: now }));
  const repeatKey = (sid: string) => {
    if (sid === name(9)) throw new Error('at once');
    return Promise.reject(new Error('later'));
  };
  const store = Object.assign(new MemorySessionStore(), { repeatKey });
  const error = await burnEarlier(store, unknown, by, 'POST', now).catch((reason) => reason);
  assert.match(error.message, /at once|later/);
  await new Promise((resolve) => setTimeout(resolve, 20));
  process.off('unhandledRejection', note);
  assert.equal(unheard, []);
});

test('a store that had to forget a session early knows less from then on', async () => {
  const store = new MemorySessionStore({ maxSessions: 10, sole: true });
  for (let i = 0; i <= 10; i++) {
    assert.is(store.completeSince(), i === 0 ? undefined : now);
    await store.create(name(i), sessionInfo(), master(i), now + i);
    store.accept(name(i), 0, now + i);
    store.end(name(i), now + i);
  }
  assert.is(store.completeSince(), now + 10);
  assert.is(store.burn(name(0), 1, now + 11), 'unknown');
  assert.is(store.burn(name(1), 0, now + 11), 'replayed');
  assert.is(store.burn(name(1), 1, now + 11), 'burned');
});

test('a forged proof burns nothing, also beside a genuine one', async () => {
  const { store, by, repeat } = await started();
  const [genuine] = await repeat(1);
  assert.ok(genuine);
  const forged = { ...genuine, n: 2 };
  assert.is(await refusalCode(() => burnEarlier(store, [genuine, forged], by, 'POST', now)), 'malformed');
  assert.is(store.accept(name(1), 1, now), 'accepted');
  assert.is(store.accept(name(1), 2, now), 'accepted');
});

test('the repeat key is 32 bytes and tells nothing of the master', async () => {
  const key = await repeatKeyBytes(await importMaster(master(7)));
  assert.is(key.length, 32);
  assert.not.match(toHex(key), toHex(master(7)).slice(0, 16));
});

test.run();
