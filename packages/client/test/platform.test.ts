// The platform's fetch is asked for what concerns it, and sees nothing of what is inside.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { it } from '../../../test/support/cases.ts';
import { clientOf, recordingFetch } from '../../../test/support/clients.ts';
import { failure, thrown } from '../../../test/support/problems.ts';
import { afterwards } from '../../../test/support/resources.ts';
import { startSealedNode } from '../../../test/support/servers.ts';

function startServer() {
  return startSealedNode((req, res) => {
    req.resume().on('end', () => res.end('sealed'));
  });
}

it('the platform is told what concerns it, and nothing that would show what is inside', async () => {
  const server = await startServer();
  const network = recordingFetch();
  const sealedFetch = clientOf(server, { fetch: network });
  const signal = new AbortController().signal;
  const told = {
    credentials: 'include',
    keepalive: true,
    priority: 'high',
    referrerPolicy: 'no-referrer',
    mode: 'cors',
  } as const;
  const mine = {
    ...told,
    signal,
    integrity: '',
    redirect: 'error',
    cache: 'reload',
    headers: { accept: 'a/b' },
  } as const;
  await (await sealedFetch('/a', mine)).text();
  const { headers, ...init } = network.exchanges[0]?.init ?? {};
  assert.equal(
    Object.keys(init).sort(),
    [...Object.keys(told), 'cache', 'method', 'redirect', 'signal'].sort(),
  );
  for (const [name, value] of Object.entries(told)) assert.is((init as Record<string, unknown>)[name], value);
  assert.equal([init.cache, init.redirect, init.signal], ['no-store', 'manual', signal]);
  assert.equal([...new Headers(headers).keys()], ['sealwire']);
});

it('a referrer that is left out stays out, and no mode keeps the Sealwire header from its way', async () => {
  const server = await startServer();
  const network = recordingFetch();
  const sealedFetch = clientOf(server, { fetch: network });
  await (await sealedFetch('/a', { referrer: '', mode: 'no-cors' })).text();
  assert.is(network.exchanges[0]?.init.referrer, '');
  assert.is(network.exchanges[0]?.init.mode, undefined);
});

it('values that the platform would refuse are refused before anything is sent', async () => {
  const network = recordingFetch();
  const sealedFetch = clientOf(await startServer(), { fetch: network });
  const wrong: Record<string, string>[] = [
    { cache: 'odd' },
    { redirect: 'odd' },
    { mode: 'odd' },
    { mode: 'navigate' },
    { mode: 'no-cors', method: 'PUT' },
  ];
  for (const init of wrong) {
    assert.instance(await failure(sealedFetch('/', init as RequestInit)), TypeError, JSON.stringify(init));
  }
  assert.is(network.seen.length, 0);
});

it('the platform fetch is looked up at each call', async () => {
  const server = await startServer();
  const sealedFetch = clientOf(server);
  await sealedFetch.ready();
  const original = globalThis.fetch;
  afterwards(() => {
    globalThis.fetch = original;
  });
  const asked: unknown[] = [];
  globalThis.fetch = (input, init) => {
    asked.push(input);
    return original(input, init);
  };
  assert.is((await sealedFetch('/later')).status, 200);
  assert.equal(asked, [`${server.origin}/later`]);
});

it('a head that is too large to be sealed is refused, with and without a body', async () => {
  const server = await startServer();
  const network = recordingFetch();
  const sealedFetch = clientOf(server, { fetch: network });
  const post = { method: 'POST', body: 'x' };
  assert.is((await sealedFetch(`/?q=${'x'.repeat(4000)}`)).status, 200);
  assert.is((await sealedFetch(`/?q=${'x'.repeat(10_000)}`, post)).status, 200);
  await thrown(sealedFetch(`/?q=${'x'.repeat(5000)}`), 'head-too-large');
  await thrown(sealedFetch('/', { headers: { 'x-api-key': 'x'.repeat(17_000) }, ...post }), 'head-too-large');
  assert.is(network.exchanges.length, 2);
});

test.run();
