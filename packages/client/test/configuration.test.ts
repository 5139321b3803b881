// The key configuration that a client uses: signed by whom it knows, for its origin, and never an older one.
import { type ConfigurationPayload, StaticKeys } from '@sealwire/core';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { deferred, it } from '../../../test/support/cases.ts';
import { clientOf, recordingFetch } from '../../../test/support/clients.ts';
import { day, movableClock, newIdentity, publishing } from '../../../test/support/configurations.ts';
import { failure, thrown } from '../../../test/support/problems.ts';
import { keys, pin, startSealedNode } from '../../../test/support/servers.ts';
import { ConfigurationSource } from '../src/configuration-source.ts';
import { resolveClientOptions } from '../src/options.ts';

const origin = 'https://api.example.com';
const identity = await newIdentity();
const subject = { aud: [origin], fields: [] };
const answerHello = (_req: unknown, res: { end(text: string): void }) => res.end('hello');

/** A signed configuration with some members changed. */
async function signed(change: Partial<ConfigurationPayload>, by = [identity]): Promise<string> {
  return (await publishing(keys, by, () => change).publish(subject, Date.now())).body;
}

const answer = (body: string, status = 200) =>
  new Response(body, { status, headers: { 'content-type': 'application/jose+json' } });

/** A source whose fetches a test answers one by one. */
function sourceOf(options = {}) {
  const fetches: { cache: RequestCache | undefined; answer(body: string, status?: number): void }[] = [];
  const clock = movableClock();
  const source = new ConfigurationSource(
    resolveClientOptions({
      origin,
      identity: identity.pin,
      clock,
      fetch(_url, { cache }) {
        const { promise, resolve } = deferred<Response>();
        fetches.push({ cache, answer: (body, status) => resolve(answer(body, status)) });
        return promise;
      },
      ...options,
    }),
  );
  const next = async (body: string, status?: number) => {
    while (fetches.length === 0) await new Promise((resolve) => setImmediate(resolve));
    const fetch = fetches.shift();
    fetch?.answer(body, status);
    return fetch?.cache;
  };
  return { source, fetches, clock, next };
}

it('of two fetches in flight the newer configuration stays, whichever arrives last', async () => {
  const [older, newer] = [await signed({ seq: 1 }), await signed({ seq: 2 })];
  for (const order of [
    [older, newer],
    [newer, older],
  ] as const) {
    const { source, fetches } = sourceOf();
    const gets = [source.get(), source.get()];
    while (fetches.length < 2) await new Promise((resolve) => setImmediate(resolve));
    for (const [i, body] of order.entries()) {
      fetches[i]?.answer(body);
      await gets[i];
    }
    const [one, other] = await Promise.all(gets);
    assert.is(one?.payload.seq, order[0] === older ? 1 : 2);
    assert.is(other?.payload.seq, 2);
    assert.is((await source.get()).payload.seq, 2);
  }
});

it('an older configuration is not taken either when the held one has expired', async () => {
  const { source, clock, next } = sourceOf();
  const now = Date.now();
  const get = async (...bodies: string[]) => {
    const got = source.get();
    got.catch(() => {});
    for (const body of bodies) await next(body);
    return got;
  };
  const old = await signed({ seq: 1, iat: now, exp: now + 7 * day });
  const short = await signed({ seq: 2, iat: now, exp: now + day });
  assert.is((await get(old)).payload.seq, 1);
  clock.pass(3_600_000);
  assert.is((await get(short)).payload.seq, 2);
  // As long as it is valid it is used, whatever a cache says.
  clock.pass(3_600_000);
  assert.is((await get(old)).payload.seq, 2);
  clock.pass(day);
  await thrown(get(old, old), 'configuration-outdated');
  const next3 = await signed({ seq: 3, iat: now + day, exp: now + 2 * day });
  assert.is((await get(next3)).payload.seq, 3);
});

it('a copy that a cache kept for too long is asked for again past every cache, once a minute', async () => {
  const { source, clock, next, fetches } = sourceOf({ minSeq: 5 });
  const stale = await signed({ seq: 4 });
  const got = source.get();
  assert.equal([await next(stale), await next(await signed({ seq: 5 }))], ['default', 'reload']);
  assert.is((await got).payload.seq, 5);
  clock.pass(day * 2);
  for (const forced of [true, false, false]) {
    const error = thrown(source.get(), 'configuration-outdated');
    assert.is(await next(stale), 'default');
    if (forced) assert.is(await next(stale), 'reload');
    await error;
    assert.is(fetches.length, 0);
  }
});

it('the same seq with other bytes is a conflict, with the same bytes it is not', async () => {
  const { source, clock, next } = sourceOf();
  const one = await signed({ seq: 7 });
  const first = source.get();
  await next(one);
  await first;
  clock.pass(3_600_000);
  const again = source.get();
  await next(one);
  assert.is((await again).payload.seq, 7);
  clock.pass(3_600_000);
  const other = source.get();
  await Promise.all([
    thrown(other, 'configuration-conflict'),
    next(await signed({ seq: 7, fields: ['x-a'] })),
  ]);
});

it('nothing older than `minSeq` is taken', async () => {
  for (const [seq, taken] of [
    [4, false],
    [5, true],
    [6, true],
  ] as const) {
    const server = await startSealedNode(answerHello, {
      keys: publishing(keys, [identity], () => ({ seq })),
    });
    const call = clientOf(server, { minSeq: 5 })('/');
    if (taken) assert.is(await (await call).text(), 'hello');
    else assert.match((await thrown(call, 'configuration-outdated')).message, '4, not 5');
  }
});

it('an identity is changed while clients pin both', async () => {
  const next = await newIdentity();
  const stranger = await newIdentity();
  for (const [by, pins, fine] of [
    [[identity], [identity.pin], true],
    [[identity], [identity.pin, next.pin], true],
    [[identity, next], [identity.pin, next.pin], true],
    [[next], [identity.pin, next.pin], true],
    [[next], [next.pin], true],
    [[next], [identity.pin], false],
    [[stranger], [identity.pin, next.pin], false],
  ] as const) {
    const server = await startSealedNode(answerHello, { keys: publishing(keys, by) });
    const call = clientOf(server, { identity: pins })('/');
    if (fine) assert.is(await (await call).text(), 'hello');
    else await thrown(call, 'identity-mismatch');
  }
});

it('four signatures are taken and 64 KiB, more are refused', async () => {
  const signers = await Promise.all(Array.from({ length: 5 }, () => newIdentity()));
  const padded = (length: number) => ({ fields: [`x-${'a'.repeat(length)}`] });
  for (const [by, change, fine] of [
    [signers.slice(0, 4), {}, true],
    [signers, {}, false],
    [signers.slice(0, 1), padded(45_000), true],
    [signers.slice(0, 1), padded(50_000), false],
    [signers.slice(0, 1), padded(5_000_000), false],
  ] as const) {
    const server = await startSealedNode(answerHello, { keys: publishing(keys, by, () => change) });
    const call = clientOf(server, { identity: signers[0]?.pin as string })('/');
    if (fine) assert.is(await (await call).text(), 'hello');
    else await thrown(call, 'configuration-invalid');
  }
});

it("another system's configuration and one that lives too long are refused", async () => {
  const now = Date.now();
  for (const [change, code] of [
    [{}, undefined],
    [{ aud: ['https://staging.example.com'] }, 'audience-mismatch'],
    [{ iat: now, exp: now + 7 * day }, undefined],
    [{ iat: now, exp: now + 7 * day + 1 }, 'configuration-invalid'],
    [{ iat: now - 2 * day, exp: now - day }, 'configuration-expired'],
    [{ iat: now - day, exp: now - 290_000 }, undefined],
    [{ iat: now - day, exp: now - 310_000 }, 'configuration-expired'],
  ] as const) {
    const server = await startSealedNode(answerHello, {
      keys: publishing(keys, [identity], () => change as Partial<ConfigurationPayload>),
    });
    const call = clientOf(server)('/');
    if (code === undefined) assert.is(await (await call).text(), 'hello');
    else await thrown(call, code);
  }
});

it('a stale copy in a CDN after an emergency change wedges no client', async () => {
  const old = await StaticKeys.generateExported(['X25519']);
  const before = publishing(await StaticKeys.import(old), [identity], () => ({ seq: 1 }));
  let current = before;
  const server = await startSealedNode(answerHello, {
    keys: {
      pins: [identity.pin],
      findKey: (kid) => current.findKey(kid),
      publish: (...args) => current.publish(...args),
    },
  });
  // The CDN keeps its copy, however it is asked.
  const copy = await (await fetch(`${server.origin}/.well-known/sealwire`)).text();
  const network = recordingFetch({
    request: (url) => (url.endsWith('/sealwire') ? answer(copy) : undefined),
  });
  const clock = movableClock();
  const running = clientOf({ ...server, pin: identity.pin }, { fetch: network, clock });
  assert.is(await (await running('/')).text(), 'hello');
  // The key was stolen: it is taken out at once, and another one put in.
  current = publishing(await StaticKeys.generate(['X25519']), [identity], () => ({ seq: 2 }));
  for (let hours = 0; hours < 3; hours++) {
    clock.pass(2 * 3_600_000);
    assert.is(await (await running('/')).text(), 'hello');
  }
  // Once the new one is known the copy leads nobody back.
  assert.is(network.handshakes, 5);
  const fresh = clientOf({ ...server, pin: identity.pin }, { fetch: network });
  assert.is(await (await fresh('/')).text(), 'hello');
  assert.is(network.handshakes, 7);
  assert.is(network.seen.filter(({ init }) => init.cache === 'reload').length, 0);
});

/** What somebody on the path may answer to a handshake. */
const forgeries: Record<string, () => Response> = {
  'an unknown key': () => problem({ code: 'unknown-key' }),
  'an unknown key with nonsense': () => problem({ code: 'unknown-key', configuration: { payload: 'x' } }),
  'too many handshakes': () => problem({ code: 'too-many-handshakes' }),
  'another problem': () => problem({ code: 'unsupported-version' }),
  'a reply that does not open': () =>
    new Response('{"v":1,"enc":"AAAA","sealed":"AAAA"}', {
      headers: { 'content-type': 'application/vnd.sealwire.handshake' },
    }),
  'a page': () => new Response('<p>', { headers: { 'content-type': 'text/html' } }),
  'a bad gateway': () => new Response('', { status: 502 }),
  'a redirect': () => new Response('', { status: 307, headers: { location: '/' } }),
};

function problem(members: { code: string; configuration?: unknown }): Response {
  const body = JSON.stringify({ type: `urn:sealwire:problem:${members.code}`, status: 409, ...members });
  return new Response(body, { status: 409, headers: { 'content-type': 'application/problem+json' } });
}

for (const [name, forge] of Object.entries(forgeries)) {
  it(`one forced fetch and three handshakes a minute, though ${name} is forged for ever`, async () => {
    const server = await startSealedNode(answerHello);
    const clock = movableClock();
    let forging = false;
    const network = recordingFetch({
      request: (url) => (forging && url.endsWith('/handshake') ? forge() : undefined),
    });
    const sealedFetch = clientOf({ ...server, pin }, { fetch: network, clock });
    assert.is((await sealedFetch('/')).status, 200);
    forging = true;
    // The session ends by rest, so that every call wants a new one.
    clock.pass(2 * 3_600_000);
    const seenBefore = network.seen.length;
    for (let call = 0; call < 10; call++) await failure(sealedFetch('/'));
    const asked = network.seen.slice(seenBefore);
    assert.is(asked.filter(({ path }) => path.endsWith('/handshake')).length, 3);
    assert.ok(asked.filter(({ init }) => init.cache === 'reload').length <= 1);
    await thrown(sealedFetch('/'), 'too-many-handshakes');
    // A minute later he may try again, and so may the server.
    clock.pass(60_001);
    forging = false;
    assert.is((await sealedFetch('/')).status, 200);
  });
}

it('an embedded configuration that is nested too deeply is none', async () => {
  const server = await startSealedNode(answerHello);
  const nested = `${'['.repeat(40_000)}${']'.repeat(40_000)}`;
  const forged = () => {
    const body = `{"type":"urn:sealwire:problem:unknown-key","code":"unknown-key","configuration":${nested}}`;
    return new Response(body, { status: 409, headers: { 'content-type': 'application/problem+json' } });
  };
  const forgeries = [forged];
  const network = recordingFetch({
    request: (url) => (url.endsWith('/handshake') ? forgeries.shift()?.() : undefined),
  });
  const sealedFetch = clientOf(server, { fetch: network });
  await thrown(sealedFetch('/'), 'unknown-key');
  // It was looked for elsewhere.
  assert.is(network.seen.at(-1)?.init.cache, 'reload');
  assert.is(await (await sealedFetch('/')).text(), 'hello');
});

for (const [name, options] of [
  ['with a pin', { identity: identity.pin }],
  ['without one', { trust: 'tls' }],
] as const) {
  it(`a configuration URL that fails fails no call while a valid one is held, ${name}`, async () => {
    const server = await startSealedNode(answerHello, { keys: publishing(keys, [identity]) });
    const clock = movableClock();
    let fail: (() => Response) | undefined;
    const network = recordingFetch({
      request: (url) => (url.endsWith('/.well-known/sealwire') ? fail?.() : undefined),
    });
    const sealedFetch = clientOf(server, { ...options, fetch: network, clock });
    assert.is(await (await sealedFetch('/')).text(), 'hello');
    for (fail of [
      () => new Response('', { status: 502 }),
      () => new Response('<p>', { headers: { 'content-type': 'text/html' } }),
      () => {
        throw new TypeError('fetch failed');
      },
    ]) {
      clock.pass(2 * 3_600_000);
      assert.is(await (await sealedFetch('/')).text(), 'hello');
    }
    assert.is(network.handshakes, 4);
    // What is wrong with the configuration itself is said, where a pin tells that it is.
    fail = () => answer('{}');
    clock.pass(2 * 3_600_000);
    if ('trust' in options) assert.is(await (await sealedFetch('/')).text(), 'hello');
    else await thrown(sealedFetch('/'), 'configuration-invalid');
  });
}

it('a configuration URL that fails is told to a pinned client whose configuration has expired', async () => {
  const { source, clock, fetches, next } = sourceOf();
  const now = Date.now();
  const first = source.get();
  await next(await signed({ iat: now, exp: now + day }));
  await first;
  clock.pass(2 * day);
  const error = thrown(source.get(), 'configuration-unavailable');
  await next('', 502);
  await error;
  assert.is(fetches.length, 0);
});

for (const embedded of [true, false]) {
  for (const seq of [Number.MAX_SAFE_INTEGER, undefined]) {
    const forgery = seq === undefined ? 'the same seq' : 'a seq without end';
    it(`without a pin a forged configuration with ${forgery} gives way to the ${embedded ? 'embedded' : 'fetched'} one`, async () => {
      const now = Date.now();
      const mine = publishing(keys, [identity], () => ({ seq: 5 }));
      const server = await startSealedNode(answerHello, { keys: mine });
      const stranger = await newIdentity();
      const body = (
        await publishing(await StaticKeys.generate(['X25519']), [stranger], () => ({
          seq: seq ?? 5,
          iat: now + 1000 * day,
          exp: now + 1001 * day,
        })).publish({ aud: [server.origin], fields: [] }, now)
      ).body;
      const forged = [answer(body)];
      const network = recordingFetch({
        request: (url) => (url.endsWith('/.well-known/sealwire') ? forged.shift() : undefined),
        response: (_response, url) =>
          !embedded && url.endsWith('/handshake') && network.handshakes === 1
            ? problem({ code: 'unknown-key' })
            : undefined,
      });
      const clock = movableClock();
      const sealedFetch = clientOf(server, { trust: 'tls', fetch: network, clock });
      assert.is(await (await sealedFetch('/')).text(), 'hello');
      assert.is(network.handshakes, 2);
      assert.is(network.seen.filter(({ init }) => init.cache === 'reload').length, embedded ? 0 : 1);
      // Nor is anything left of it.
      clock.pass(2 * 3_600_000);
      assert.is(await (await sealedFetch('/')).text(), 'hello');
      assert.is(network.handshakes, 3);
    });
  }
}

test.run();
