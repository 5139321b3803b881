// A sealed redirect is followed by the rules of the fetch standard, every hop sealed anew, and not to elsewhere.
import type { RequestListener } from 'node:http';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { it } from '../../../test/support/cases.ts';
import { clientOf, recordingFetch } from '../../../test/support/clients.ts';
import { failure, thrown } from '../../../test/support/problems.ts';
import { listen, startSealedNode } from '../../../test/support/servers.ts';
import { startNodeTwins, type Twins } from '../../../test/support/twins.ts';

/** `/to/<status>?<location>` redirects there; everything else tells what it got. */
const routes: RequestListener = async (req, res) => {
  const { pathname, search } = new URL(req.url as string, 'http://localhost');
  const chunks: Buffer[] = [];
  for await (const chunk of req) chunks.push(chunk);
  const status = /^\/to\/(\d{3})$/.exec(pathname)?.[1];
  const { 'content-type': type, 'content-length': length, authorization } = req.headers;
  if (status !== undefined)
    res
      .writeHead(Number(status), { location: decodeURIComponent(search.slice(1)), 'x-hop': '1' })
      .end('moved');
  else if (pathname === '/nowhere') res.writeHead(302).end('no location');
  else
    res.end(
      JSON.stringify({
        method: req.method,
        url: req.url,
        body: Buffer.concat(chunks).toString(),
        type,
        length,
        authorization,
      }),
    );
};

const to = (status: number, location: string) => `/to/${status}?${encodeURIComponent(location)}`;

async function both(twins: Twins, path: string, init: RequestInit = {}) {
  const plain = await twins.plain(path, init);
  const sealed = await twins.sealed(path, init);
  const seen = async (response: Response, { origin }: { origin: string }) => ({
    status: response.status,
    redirected: response.redirected,
    url: response.url.replace(origin, ''),
    body: await response.text(),
  });
  return { plain: await seen(plain, twins.servers.plain), sealed: await seen(sealed, twins.servers.sealed) };
}

it('every status and method goes where fetch goes, with the body that fetch sends', async () => {
  const twins = await startNodeTwins(routes);
  const headers = { authorization: 'Bearer kept', 'content-type': 'text/x' };
  for (const status of [301, 302, 303, 307, 308, 300, 304]) {
    for (const method of ['GET', 'HEAD', 'POST', 'PUT', 'DELETE']) {
      const init = { method, headers, ...(method === 'POST' || method === 'PUT' ? { body: 'a body' } : {}) };
      const { plain, sealed } = await both(twins, to(status, '/end?q=1'), init);
      assert.equal(sealed, plain, `${status} after ${method}`);
    }
  }
});

it('locations are resolved as fetch resolves them', async () => {
  const twins = await startNodeTwins(routes);
  for (const location of [
    '/end',
    'end',
    '../end',
    '?q',
    './',
    to(302, '/end'),
    '/end#fragment',
    '/%C3%BC?q=%20',
  ]) {
    const { plain, sealed } = await both(twins, to(302, location));
    assert.equal(sealed, plain, location);
  }
  const { plain, sealed } = await both(twins, '/nowhere');
  assert.equal(sealed, plain);
});

it('each hop is sealed, and nothing of it is seen outside', async () => {
  const server = await startSealedNode(routes);
  const network = recordingFetch();
  const response = await clientOf(server, { fetch: network })(to(302, '/end'));
  assert.is((await response.json()).url, '/end');
  assert.equal(
    network.exchanges.map(({ status, init }) => [status, init.redirect]),
    [
      [200, 'manual'],
      [200, 'manual'],
    ],
  );
  assert.is(network.exchanges[0]?.responseHeaders?.get('location'), null);
  assert.is(network.handshakes, 1);
});

it('`manual` hands over the redirect, `error` throws a TypeError', async () => {
  const twins = await startNodeTwins(routes);
  const path = to(307, '/end');
  for (const call of [twins.plain, twins.sealed]) {
    const manual = await call(path, { redirect: 'manual' });
    assert.equal([manual.status, manual.headers.get('location'), manual.redirected], [307, '/end', false]);
    assert.is(await manual.text(), 'moved');
    assert.instance(await failure(call(path, { redirect: 'error' })), TypeError);
    assert.is((await call('/end', { redirect: 'error' })).status, 200);
  }
});

it('a stream is not sent again, but a 303 drops it', async () => {
  const twins = await startNodeTwins(routes);
  for (const call of [twins.plain, twins.sealed]) {
    const init = () => ({ method: 'POST', body: new Blob(['once']).stream(), duplex: 'half' as const });
    assert.is((await (await call(to(303, '/end'), init())).json()).method, 'GET');
    assert.instance(await failure(call(to(307, '/end'), init())), TypeError);
  }
});

it('a loop ends, and a scheme that is not HTTP is refused', async () => {
  const twins = await startNodeTwins((_req, res) => {
    res.writeHead(302, { location: '/again' }).end();
  });
  for (const call of [twins.plain, twins.sealed]) assert.instance(await failure(call('/')), TypeError);
  const other = await startNodeTwins(routes);
  for (const location of ['data:text/plain,x', 'ftp://127.0.0.1/', 'http://[']) {
    for (const call of [other.plain, other.sealed])
      assert.instance(await failure(call(to(302, location))), TypeError, location);
  }
});

it('to another origin goes nothing unless it is allowed, and then nothing that was sealed', async () => {
  const seen: Record<string, unknown>[] = [];
  const elsewhere = await listen((req, res) => {
    seen.push({ method: req.method, url: req.url, ...req.headers });
    res.end('elsewhere');
  });
  const server = await startSealedNode(routes);
  const target = to(302, `${elsewhere.origin}/there`);
  const refused = await thrown(clientOf(server)(target), 'redirect-refused');
  assert.match(refused.message, elsewhere.origin);
  assert.is(seen.length, 0);

  const allowed = clientOf(server, { otherOrigins: 'fetch' });
  const headers = { authorization: 'Bearer secret', cookie: 'a=1', 'x-api-key': 'secret', range: 'bytes=0-' };
  const response = await allowed(target, { headers });
  assert.equal([await response.text(), response.status], ['elsewhere', 200]);
  assert.is(response.url, `${elsewhere.origin}/there`);
  assert.is(response.redirected, true);
  const [{ authorization, cookie, 'x-api-key': key, range, sealwire, referer } = {}] = seen;
  assert.equal([authorization, cookie, key, range, sealwire, referer], Array(6).fill(undefined));
  const post = { method: 'POST', body: 'secret' };
  await thrown(allowed(to(307, `${elsewhere.origin}/there`), post), 'redirect-refused');
  await thrown(allowed(to(308, `${elsewhere.origin}/there`), { method: 'DELETE' }), 'redirect-refused');
  assert.is(seen.length, 1);
  // A 303 makes a GET of it.
  assert.is(await (await allowed(to(303, `${elsewhere.origin}/there`), post)).text(), 'elsewhere');
  assert.is(seen[1]?.['method'], 'GET');
});

test.run();
