// An empty query is sealed as the URL spells it, whatever the platform makes of it on the way.
import { get } from 'node:http';
import { connect } from 'node:net';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { it, onExpress } from './support/cases.ts';
import { clientOf, recordingFetch } from './support/clients.ts';
import { listen, startSealedNode } from './support/servers.ts';
import { startNodeTwins, startTwins } from './support/twins.ts';

const spellings = [
  ['/x', '/x'],
  ['/x?', '/x?'],
  ['/x#', '/x'],
  ['/x?#', '/x?'],
  ['/x?#a?b/c', '/x?'],
  ['/x?a#b', '/x?a'],
  ['/x??', '/x??'],
  ['/?', '/?'],
  ['?', '/?'],
  ['/x?a=//b?c', '/x?a=//b?c'],
] as const;

/** Sends the request line as it is written, as newer platforms do. */
function literally(url: string, init: RequestInit): Promise<Response> {
  const { hostname, port } = new URL(url);
  const path = url.slice(url.indexOf('/', 8)).split('#', 1)[0] as string;
  const headers = Object.fromEntries(new Headers(init.headers));
  return new Promise((resolve, reject) => {
    get({ hostname, port, path, headers, createConnection: () => connect(Number(port), hostname) }, (res) => {
      const chunks: Buffer[] = [];
      res.on('data', (chunk) => chunks.push(chunk)).on('error', reject);
      res.on('end', () => {
        const fields = Object.entries(res.headers) as [string, string][];
        resolve(new Response(Buffer.concat(chunks), { status: res.statusCode as number, headers: fields }));
      });
    }).on('error', reject);
  });
}

it('the application sees the target as the URL is serialised, and so does the path', async () => {
  const server = await startSealedNode((req, res) => {
    res.end(req.url);
  });
  const sent: string[] = [];
  server.server.prependListener('request', ({ url = '' }) => {
    if (!url.startsWith('/.well-known/')) sent.push(url);
  });
  const network = recordingFetch();
  const platforms = [
    clientOf(server, { fetch: network }),
    clientOf(server, {
      fetch: (url, init) => (url.includes('/.well-known/') ? fetch(url, init) : literally(url, init)),
    }),
  ];
  for (const [index, sealedFetch] of platforms.entries()) {
    for (const [path, seen] of spellings) {
      const response = await sealedFetch(path);
      assert.is(await response.text(), seen, path);
      const outer = sent.pop() as string;
      if (index === 1) assert.is(outer, seen, path);
      else assert.ok(outer === seen || `${outer}?` === seen, path);
    }
  }
});

it('newer platforms send the mark, and servers without a seal see it', async () => {
  const plain = await listen((req, res) => {
    res.end(req.url);
  });
  for (const [path, seen] of spellings) {
    const { href } = new URL(path, plain.origin);
    assert.is(await (await literally(href, {})).text(), seen, path);
  }
});

it('`url` of the response is that of fetch', async () => {
  const { sealed, servers } = await startNodeTwins((_req, res) => {
    res.end();
  });
  for (const [path] of spellings) {
    const { href } = new URL(path, servers.plain.origin);
    const [ofPlain, ofSealed] = [await fetch(href), await sealed(path)];
    const expected = ofPlain.url.replace(servers.plain.origin, servers.sealed.origin);
    assert.is(ofSealed.url, expected, path);
  }
});

onExpress('an empty query is an empty query to a framework', async (express) => {
  const { ask } = await startTwins(express, (app) =>
    app.get('/x', (req, res) => {
      res.json([req.path, req.query]);
    }),
  );
  const { plain, sealed } = await ask('/x?');
  assert.equal(sealed, plain);
});

test.run();
