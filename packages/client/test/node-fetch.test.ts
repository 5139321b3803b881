// nodeFetch in the place of the platform's fetch.
import type { IncomingMessage } from 'node:http';
import { createSealedFetch } from '@sealwire/client';
import { nodeFetch } from '@sealwire/client/node';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { pattern } from '../../../test/support/bytes.ts';
import { Arrivals, it, sleep, within } from '../../../test/support/cases.ts';
import { clientOf } from '../../../test/support/clients.ts';
import { failure, thrown } from '../../../test/support/problems.ts';
import { listen, startSealedNode } from '../../../test/support/servers.ts';

async function read(req: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of req) chunks.push(chunk);
  return Buffer.concat(chunks);
}

const closed = new Arrivals<boolean>();

const server = () =>
  startSealedNode(async (req, res) => {
    if (req.url === '/never' || req.url === '/begun') {
      res.on('close', () => closed.push(res.writableFinished));
      if (req.url === '/begun') res.write('begun');
    } else if (req.url === '/nothing') res.writeHead(204).end();
    else res.end(await read(req));
  });

it('bodies of every kind go out, and come back', async () => {
  const sealedFetch = clientOf(await server(), { fetch: nodeFetch() });
  const bytes = pattern(200_000);
  const half = { duplex: 'half' as const };
  const bodies = {
    string: () => 'text',
    bytes: () => bytes,
    blob: () => new Blob([bytes]),
    stream: () => new Blob([bytes]).stream(),
    form: () => new URLSearchParams({ a: 'b' }),
  };
  for (const [kind, body] of Object.entries(bodies)) {
    const response = await sealedFetch('/', { method: 'POST', body: body(), ...half });
    const expected = Buffer.from(await new Response(body()).arrayBuffer());
    assert.ok(Buffer.from(await response.arrayBuffer()).equals(expected), kind);
  }
  const nothing = await sealedFetch('/nothing');
  assert.equal([nothing.status, nothing.body], [204, null]);
});

it('a stream is framed whatever the method', async () => {
  const { origin } = await listen(async (req, res) => {
    res.end(`${req.method} ${req.headers['transfer-encoding']} ${await read(req)}`);
  });
  const nodeFetching = nodeFetch();
  // For these Node's client does not frame a body that it is not told the length of.
  for (const method of ['GET', 'DELETE', 'OPTIONS', 'PATCH']) {
    const body = new Blob(['streamed']).stream();
    const response = await nodeFetching(`${origin}/`, { method, body });
    assert.is(await response.text(), `${method} chunked streamed`);
  }
});

it('a call that is aborted fails with the reason, and the handler hears of it', async () => {
  const sealedFetch = clientOf(await server(), { fetch: nodeFetch() });
  await sealedFetch.ready();
  for (const path of ['/never', '/begun']) {
    const reason = new Error(`no more of ${path}`);
    const controller = new AbortController();
    const call = sealedFetch(path, { signal: controller.signal }).then((response) => response.text());
    await sleep(100);
    controller.abort(reason);
    assert.is(await failure(call), reason);
    assert.is(await closed.next(), false);
  }
  const late = (await failure(sealedFetch('/never', { signal: AbortSignal.timeout(50) }))) as Error;
  assert.is(late.name, 'TimeoutError');
});

it('a response that nobody wants any more ends its connection', async () => {
  const sealedFetch = clientOf(await server(), { fetch: nodeFetch() });
  const response = await sealedFetch('/begun');
  await response.body?.cancel();
  assert.is(await closed.next(), false);
});

it('a stream that fails ends the request, and the call fails', async () => {
  const sealedFetch = clientOf(await server(), { fetch: nodeFetch() });
  const body = new ReadableStream({
    pull(controller) {
      controller.error(new Error('no more'));
    },
  });
  const error = (await failure(sealedFetch('/', { method: 'POST', body, duplex: 'half' }))) as Error;
  assert.equal([error.name, (error.cause as Error).message], ['TypeError', 'no more']);
});

it('a server that is not there is a TypeError, as of the platform', async () => {
  const { origin, close } = await listen();
  await close();
  const error = await failure(nodeFetch()(`${origin}/`, {}));
  assert.instance(error, TypeError);
  assert.is(((error as Error).cause as NodeJS.ErrnoException).code, 'ECONNREFUSED');
});

it('it connects elsewhere and still names the host of the URL', async () => {
  const { origin } = await listen((req, res) => res.end(req.headers.host));
  const response = await nodeFetch({ connectTo: origin })('http://api.test:81/', {});
  assert.is(await response.text(), 'api.test:81');
});

it('a stream is framed whatever the method', async () => {
  const { origin } = await listen(async (req, res) => res.end(`${req.method} ${(await read(req)).length}`));
  for (const method of ['GET', 'DELETE', 'OPTIONS', 'PROPFIND']) {
    const body = new Blob([pattern(200_000)]).stream();
    const response = await nodeFetch()(origin, { method, body, duplex: 'half' } as RequestInit);
    assert.is(await response.text(), `${method} 200000`);
  }
});

it('a server that switches protocols unasked has not answered', async () => {
  const { origin } = await listen((req) => {
    req.socket.end('HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: other\r\n\r\n');
  });
  assert.instance(await failure(within(nodeFetch()(origin, {}), 'a failure')), TypeError);
});

it('an answer that is too short is an error of its body', async () => {
  const { origin } = await listen((_req, res) => {
    res.setHeader('content-length', 10).write('short');
    setTimeout(() => res.destroy(), 20);
  });
  const response = await nodeFetch()(origin, {});
  assert.instance(await failure(response.text()), TypeError);
});

it('it is an option like any other', async () => {
  const { origin } = await server();
  const sealedFetch = createSealedFetch({ origin, trust: 'tls', suites: ['P-256'], fetch: nodeFetch() });
  await thrown(sealedFetch('/'), 'no-common-suite');
});

test.run();
