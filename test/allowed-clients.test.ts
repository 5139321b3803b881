// A server that knows its clients takes those, says who they are, and refuses all others.
import { renameSync, rmSync, unwatchFile, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { createClientKey } from '@sealwire/client/client-key';
import { isSealwireError, MemorySessionStore, type SessionStore } from '@sealwire/core';
import { createHandler, type Sealed, type SealwireOptions } from '@sealwire/node';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Arrivals, it, sleep } from './support/cases.ts';
import { clientOf, recordingFetch } from './support/clients.ts';
import { temporaryFolder } from './support/folders.ts';
import { until } from './support/left-behind.ts';
import { thrown } from './support/problems.ts';
import { EventList } from './support/recorded-events.ts';
import { afterwards } from './support/resources.ts';
import { keys, nodeFramework, startSealedNode } from './support/servers.ts';
import { type Stack, type StackApp, stacks, startStack } from './support/stacks.ts';
import { SlowStore, storeWith } from './support/stores.ts';

type Allow = NonNullable<SealwireOptions['allowClients']>;

/** Answers with what it knows of its client. */
const whoIsIt: StackApp = {
  express: (app) => {
    app.use((req, res) => {
      res.json({ client: req.sealed?.client, identity: req.sealed?.identity });
    });
  },
  koa: (app) => {
    app.use((ctx) => {
      ctx.body = { client: ctx.sealed?.client, identity: ctx.sealed?.identity };
    });
  },
  listener: (req, res) => {
    const { client, identity } = (req as { sealed?: Sealed }).sealed ?? {};
    res.end(JSON.stringify({ client, identity }));
  },
};

/** HTTP/1 only: Node's fetch speaks no other. */
const stacksOfFetch = stacks.filter(({ http2 }) => !http2);

function start(stack: Stack, allowClients: Allow, store: SessionStore = new MemorySessionStore()) {
  return startStack(stack, whoIsIt, { store, options: { allowClients } });
}

const [known, other] = await Promise.all([createClientKey(), createClientKey()]);

for (const stack of stacksOfFetch) {
  it(`a listed client is taken, another one and one without a key are refused (${stack.name})`, async () => {
    const server = await start(stack, [known.thumbprint]);
    const response = await clientOf(server, { clientKey: known })('/', { method: 'POST', body: 'x' });
    assert.equal(await response.json(), { client: known.thumbprint });
    for (const options of [{ clientKey: other }, {}]) {
      const network = recordingFetch();
      const error = await thrown(clientOf(server, { ...options, fetch: network })('/'), 'client-refused');
      assert.match(error.message, 'thumbprint');
      assert.is(network.exchanges.length, 0);
      const hint = Buffer.concat(network.seen.at(-1)?.received ?? []).toString();
      assert.is(network.seen.at(-1)?.status, 403);
      assert.match(hint, '"client-refused"');
      for (const { thumbprint } of [known, other]) assert.not.match(hint, thumbprint);
    }
    assert.equal((server.store as MemorySessionStore).size, { confirmed: 1, halfOpen: 0 });
  });

  it(`a function says who a client is (${stack.name})`, async () => {
    const people = new Map([[known.thumbprint, { name: 'Ada' }]]);
    const server = await start(stack, async (thumbprint) => people.get(thumbprint));
    const sealedFetch = clientOf(server, { clientKey: known });
    for (let i = 0; i < 2; i++) {
      const body = await (await sealedFetch('/')).json();
      assert.equal(body, { client: known.thumbprint, identity: { name: 'Ada' } });
    }
    await thrown(clientOf(server, { clientKey: other })('/'), 'client-refused');
  });
}

const [express] = stacksOfFetch as [Stack];

for (const [what, refusal] of [
  ['undefined', undefined],
  ['null', null],
  ['false', false],
] as const) {
  it(`a function refuses by ${what}`, async () => {
    const server = await start(express, () => refusal);
    await thrown(clientOf(server, { clientKey: known })('/'), 'client-refused');
  });
}

it('a function is asked once for a handshake, and not for each exchange', async () => {
  let asked = 0;
  const server = await start(express, (thumbprint) => {
    asked++;
    return { thumbprint };
  });
  const sealedFetch = clientOf(server, { clientKey: known });
  for (let i = 0; i < 3; i++) await sealedFetch('/');
  assert.is(asked, 1);
  await clientOf(server, { clientKey: known })('/');
  assert.is(asked, 2);
});

it('a function that throws, or does not answer within 5 seconds, lets nobody in, and operators hear what is wrong', async () => {
  for (const [allow, cause] of [
    [
      () => {
        throw new RangeError('the database is down');
      },
      'RangeError',
    ],
    [() => Promise.reject(new TypeError('the database is down')), 'TypeError'],
    [() => new Promise<never>(() => {}), 'TimeoutError'],
  ] as const) {
    const audit = new EventList();
    const server = await startStack(express, whoIsIt, { options: { allowClients: allow, audit } });
    const network = recordingFetch();
    await thrown(clientOf(server, { clientKey: known, fetch: network })('/'), 'unavailable');
    assert.is(network.seen.at(-1)?.status, 503);
    assert.is(network.seen.at(-1)?.responseHeaders?.get('retry-after'), '1');
    assert.not.match(Buffer.concat(network.seen.at(-1)?.received ?? []).toString(), 'database');
    assert.equal(
      audit.of('handshake.rejected').map((event) => event.cause),
      [cause],
    );
  }
});

/** Instances with one store: what the first one's clients send after their handshake arrives at the second one. */
async function startTwo(store: SessionStore, allow: Allow) {
  const first = await startSealedNode((_req, res) => res.end('first'), { store });
  const second = await startSealedNode(
    async (req, res) => {
      const { length } = await text(req);
      res.end(JSON.stringify({ identity: (req as { sealed?: Sealed }).sealed?.identity, length }));
    },
    { store, origins: [first.origin], allowClients: allow },
  );
  const network = recordingFetch({
    request: (url, init) =>
      url.includes('/.well-known/')
        ? undefined
        : fetch(url.replace(first.origin, second.origin), { ...init, duplex: 'half' } as RequestInit),
  });
  return { origin: first.origin, network };
}

for (const [how, wrap] of [
  ['', (store: SessionStore) => store],
  [', its store taking its time', (store: SessionStore) => new SlowStore(store)],
] as const) {
  it(`an instance that did not do the handshake asks who the client is, once${how}`, async () => {
    let asked = 0;
    const { origin, network } = await startTwo(wrap(new MemorySessionStore()), async () => {
      asked++;
      await sleep(20);
      return 'Ada';
    });
    const sealedFetch = clientOf({ origin }, { clientKey: known, fetch: network });
    const send = async (length: number) => {
      const init = length === 0 ? {} : { method: 'POST', body: 'x'.repeat(length) };
      assert.equal(await (await sealedFetch('/', init)).json(), { identity: 'Ada', length });
    };
    // At once, and afterwards.
    await Promise.all([0, 10, 300_000].map(send));
    await send(10);
    assert.is(asked, 1);
  });

  it(`there a client that is not allowed is refused, sealed, and nothing runs${how}`, async () => {
    for (const [clientKey, allow] of [
      [known, async () => undefined],
      [known, [other.thumbprint]],
      [undefined, [other.thumbprint]],
    ] as const) {
      const { origin, network } = await startTwo(wrap(new MemorySessionStore()), allow);
      const sealedFetch = clientOf({ origin }, { ...(clientKey && { clientKey }), fetch: network });
      await thrown(sealedFetch('/', { method: 'POST', body: 'x'.repeat(100_000) }), 'client-refused');
      assert.is(network.exchanges[0]?.responseHeaders?.get('content-type'), 'application/vnd.sealwire');
      assert.is(network.exchanges.length, 1);
    }
  });
}

it('there a function that fails is `unavailable`, and nothing runs', async () => {
  const { origin, network } = await startTwo(new MemorySessionStore(), () => {
    throw new Error('the database is down');
  });
  await thrown(clientOf({ origin }, { clientKey: known, fetch: network })('/'), 'unavailable');
});

it('a file names clients line by line, or as JSON, with what the application knows of them', async () => {
  const file = join(temporaryFolder(), 'clients');
  for (const [content, identity] of [
    [`# ours\n\n${known.thumbprint}\r\n`, undefined],
    [`${other.thumbprint}\n  ${known.thumbprint}   Ada  Lovelace # since May`, { name: 'Ada Lovelace' }],
    [JSON.stringify([known.thumbprint]), undefined],
    [`\uFEFF${JSON.stringify([known.thumbprint])}`, undefined],
    [`\uFEFF${known.thumbprint} Ada`, { name: 'Ada' }],
    [
      JSON.stringify({ [known.thumbprint]: { name: 'Ada', roles: ['admin'] } }),
      { name: 'Ada', roles: ['admin'] },
    ],
  ] as const) {
    writeFileSync(file, content);
    const server = await start(express, { file });
    const body = await (await clientOf(server, { clientKey: known })('/')).json();
    assert.equal(body, { client: known.thumbprint, ...(identity && { identity }) });
    unwatchFile(file);
  }
});

it('a client that a file names with null or false is refused, as by a function', async () => {
  const file = join(temporaryFolder(), 'clients');
  for (const refusal of [null, false]) {
    writeFileSync(file, JSON.stringify({ [known.thumbprint]: refusal, [other.thumbprint]: 'Eve' }));
    const server = await start(express, { file });
    await thrown(clientOf(server, { clientKey: known })('/'), 'client-refused');
    assert.is((await clientOf(server, { clientKey: other })('/')).status, 200);
    unwatchFile(file);
  }
});

it('a file that changes is read again: who is new is taken, who is gone is out at once', async () => {
  const file = join(temporaryFolder(), 'clients');
  writeFileSync(file, `${known.thumbprint} known\n`);
  afterwards(() => unwatchFile(file));
  const server = await start(express, { file });
  const sealedFetch = clientOf(server, { clientKey: known });
  await sealedFetch('/');
  await thrown(clientOf(server, { clientKey: other })('/'), 'client-refused');
  // As editors and Kubernetes do it: another file takes its place.
  writeFileSync(`${file}.new`, `${other.thumbprint} other\n`);
  renameSync(`${file}.new`, file);
  const store = server.store as MemorySessionStore;
  await until(() => store.size.confirmed === 0, 'the sessions of the removed client end', 10_000);
  await thrown(sealedFetch('/'), 'client-refused');
  const body = await (await clientOf(server, { clientKey: other })('/')).json();
  assert.equal(body, { client: other.thumbprint, identity: { name: 'other' } });
});

it('many that are gone at once do not hold up everything else', async () => {
  const file = join(temporaryFolder(), 'clients');
  const gone = [known.thumbprint, other.thumbprint, (await createClientKey()).thumbprint];
  writeFileSync(file, gone.join('\n'));
  afterwards(() => unwatchFile(file));
  const events: string[] = [];
  const store = new MemorySessionStore();
  const watched = storeWith(store, {
    revoke: (...args: Parameters<MemorySessionStore['revoke']>) => {
      events.push('revoked');
      setImmediate(() => events.push('something else'));
      return store.revoke(...args);
    },
  });
  await start(express, { file }, watched);
  writeFileSync(file, '# nobody');
  await until(() => events.length === 6, 'all are revoked', 10_000);
  assert.equal(
    events,
    gone.flatMap(() => ['revoked', 'something else']),
  );
});

it('a file that cannot be read any more changes nothing, and is reported without what it holds', async () => {
  const file = join(temporaryFolder(), 'clients');
  writeFileSync(file, known.thumbprint);
  afterwards(() => unwatchFile(file));
  const warnings = new Arrivals<string>();
  const { warn } = console;
  console.warn = (text: string) => warnings.push(text);
  afterwards(() => {
    console.warn = warn;
  });
  const server = await start(express, { file });
  writeFileSync(file, `${known.thumbprint}\nsecret\n`);
  const warning = await warnings.next('a warning', 10_000);
  assert.match(warning, `${file}, has no thumbprint in line 2`);
  assert.not.match(warning, 'secret');
  rmSync(file);
  assert.match(await warnings.next('another warning', 10_000), 'cannot be read');
  assert.is((await clientOf(server, { clientKey: known })('/')).status, 200);
});

it('what is no list of clients is refused when the server starts', () => {
  const path = join(temporaryFolder(), 'clients');
  const refuses = (allowClients: unknown, complaint: RegExp) =>
    assert.throws(
      () => createHandler({ keys, allowClients: allowClients as never }, nodeFramework),
      (error: Error) => isSealwireError(error, 'invalid-option') && complaint.test(error.message),
      String(complaint),
    );
  for (const allowClients of ['all', null, {}, { file: 1 }, 7])
    refuses(allowClients, /a list of thumbprints, `{ file }`, or a function/);
  for (const thumbprint of ['short', `${known.thumbprint.slice(0, -1)}B`, undefined])
    refuses([known.thumbprint, thumbprint], /no thumbprint/);
  refuses({ file: `${path}.none` }, /cannot be read/);
  for (const [content, complaint] of [
    ['Ada Lovelace', /no thumbprint in line 1/],
    [`${known.thumbprint}\n\n${known.thumbprint}x`, /no thumbprint in line 3/],
    ['{', /is no JSON/],
    ['["x"]', /no thumbprint at index 0/],
    ['{"__proto__": 1}', /no thumbprint at index 0/],
  ] as const) {
    writeFileSync(path, content);
    refuses({ file: path }, complaint);
  }
});

test.run();
