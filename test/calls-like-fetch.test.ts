// Odd calls that fetch takes: what becomes of them is the same, sealed or not.
import type { RequestListener } from 'node:http';
import { STATUS_CODES } from 'node:http';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { it, onExpress } from './support/cases.ts';
import { clientOf, recordingFetch } from './support/clients.ts';
import { thrown } from './support/problems.ts';
import { startNodeTwins, startTwins } from './support/twins.ts';

const tell: RequestListener = (req, res) => {
  let body = '';
  req.on('data', (chunk) => {
    body += chunk;
  });
  req.on('end', () => {
    const { host: _host, ...headers } = req.headers;
    const { connection: _connection, ...told } = headers;
    res.end(JSON.stringify({ method: req.method, headers: Object.entries(told).sort(), body }));
  });
};

it('null in the place of options', async () => {
  const { plain, sealed } = await startNodeTwins(tell);
  const asked = await plain('/', null as unknown as RequestInit);
  assert.equal(await (await sealed('/', null)).json(), await asked.json());
});

it('a Request whose body, headers or both are replaced, and the type of what is sent', async () => {
  const { servers, sealed } = await startNodeTwins(tell);
  const json = { 'content-type': 'application/json' };
  const inits: Record<string, () => RequestInit> = {
    nothing: () => ({}),
    headers: () => ({ headers: { accept: 'a/b' } }),
    'no headers': () => ({ headers: {} }),
    'headers with a type': () => ({ headers: { 'content-type': 'text/x' } }),
    body: () => ({ body: 'new' }),
    'a body with another type': () => ({ body: new URLSearchParams({ a: 'b' }) }),
    'a body without a type': () => ({ body: Uint8Array.of(65) }),
    'headers and body': () => ({ headers: { accept: 'a/b' }, body: new URLSearchParams({ a: 'b' }) }),
    'headers and a body without a type': () => ({ headers: {}, body: Uint8Array.of(65) }),
  };
  for (const [name, init] of Object.entries(inits)) {
    for (const headers of [json, undefined]) {
      const call = async (fetcher: typeof fetch, origin: string) => {
        const request = new Request(`${origin}/a`, {
          method: 'POST',
          body: '"old"',
          ...(headers && { headers }),
        });
        return (await fetcher(request, init())).json();
      };
      const ofSealed = await call(sealed as typeof fetch, servers.sealed.origin);
      assert.equal(ofSealed, await call(fetch, servers.plain.origin), name);
    }
  }
});

it('fields that browsers drop are dropped, unless somebody lists them', async () => {
  const { servers, sealed } = await startNodeTwins(tell);
  const names = [
    'Accept-Charset',
    'Access-Control-Request-Method',
    'Connection',
    'Cookie2',
    'Date',
    'Expect',
    'Host',
    'Keep-Alive',
    'Proxy-Authorization',
    'Set-Cookie',
    'TE',
    'Trailer',
    'Transfer-Encoding',
    'Upgrade',
    'Via',
  ];
  const headers = Object.fromEntries(names.map((name) => [name, 'trailers']));
  const without = await (await sealed('/')).json();
  assert.equal(await (await sealed('/', { headers })).json(), without);
  // A field that no platform drops is the caller's mistake, as before.
  await thrown(sealed('/', { headers: { 'x-mine': '1' } }), 'field-not-listed');
  const network = recordingFetch();
  const listing = clientOf(servers.sealed, { fetch: network, outerFields: ['date'] });
  await listing('/', { headers });
  const [exchange] = network.exchanges;
  assert.is(exchange?.headers.get('date'), 'trailers');
  assert.is(exchange?.headers.get('via'), null);
});

onExpress(
  'statusText is the reason phrase that the application gave, or that of the status',
  async (express) => {
    const { plain, sealed } = await startTwins(express, (app) => {
      app.get('/:status', (req, res) => {
        if (req.query.reason !== undefined) res.statusMessage = String(req.query.reason);
        res.status(Number(req.params.status)).end();
      });
    });
    const statuses = Object.keys(STATUS_CODES).map(Number);
    const told = statuses.filter((each) => each >= 200 && each !== 407 && each !== 421);
    for (const status of [...told, 299, 499, 599, 799]) {
      const [ofPlain, ofSealed] = [await plain(`/${status}`), await sealed(`/${status}`)];
      assert.equal([ofSealed.status, ofSealed.statusText], [status, ofPlain.statusText]);
      assert.is(ofSealed.clone().statusText, ofPlain.statusText);
    }
    for (const path of [
      '/200?reason=Splendid',
      '/404?reason=No%20such%20thing',
      '/204?reason=',
      '/599?reason=a',
    ]) {
      assert.is((await sealed(path)).statusText, (await plain(path)).statusText);
    }
  },
);

it('a path that begins with two slashes is refused before anything is sent', async () => {
  const { servers, sealed } = await startNodeTwins((_req, res) => {
    res.writeHead(302, { location: '/.//elsewhere' }).end();
  });
  const network = recordingFetch();
  const sealedFetch = clientOf(servers.sealed, { fetch: network });
  const error = await thrown(sealedFetch(`${servers.sealed.origin}//host/path`), 'malformed');
  assert.match(error.message, 'two slashes');
  assert.is(network.seen.length, 0);
  await thrown(sealed('/'), 'malformed');
  // Without an origin in front it is another host, as with fetch.
  await thrown(sealed('//host/path'), 'other-origin');
  await thrown(sealed('/.//path'), 'malformed');
});

test.run();
