// An AbortSignal ends a call at whatever point it is, with the reason that the caller gave, and nothing else with it.
import { createGzip } from 'node:zlib';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { pattern } from '../../../test/support/bytes.ts';
import { Arrivals, deferred, it, sleep, unhandledRejections, within } from '../../../test/support/cases.ts';
import { clientOf, recordingFetch } from '../../../test/support/clients.ts';
import { until } from '../../../test/support/left-behind.ts';
import { failure } from '../../../test/support/problems.ts';
import { startSealedNode } from '../../../test/support/servers.ts';

const started = new Arrivals<void>();

/** Echoes what it gets; `/waiting` never answers, `/endless` never ends. */
function startServer() {
  return startSealedNode((req, res) => {
    started.push();
    if (req.url === '/waiting') return;
    if (req.url === '/endless') res.write('beginning');
    else if (req.url === '/endless-gzip') {
      res.setHeader('content-encoding', 'gzip');
      const gzip = createGzip();
      gzip.on('data', (chunk) => res.write(chunk)).write('beginning');
      gzip.flush();
    } else req.pipe(res);
  });
}

it('before the call: nothing is sent', async () => {
  const server = await startServer();
  const network = recordingFetch();
  const sealedFetch = clientOf(server, { fetch: network });
  const reason = new Error('on purpose');
  assert.is(await failure(sealedFetch('/', { signal: AbortSignal.abort(reason) })), reason);
  assert.is(network.seen.length, 0);
  assert.is((await sealedFetch('/', { signal: new AbortController().signal })).status, 200);
});

it('during the handshake: the call ends, the handshake goes on for the others', async () => {
  const server = await startServer();
  const gate = deferred();
  const arrived = new Arrivals<void>();
  const network = recordingFetch({
    async request(url) {
      if (!url.endsWith('/handshake')) return undefined;
      arrived.push();
      await gate.promise;
      return undefined;
    },
  });
  const sealedFetch = clientOf(server, { fetch: network });
  const controller = new AbortController();
  const aborted = failure(sealedFetch('/', { signal: controller.signal }));
  const other = sealedFetch('/', { method: 'POST', body: 'other' });
  await arrived.next();
  controller.abort();
  assert.is(((await within(aborted, 'the aborted call')) as Error).name, 'AbortError');
  gate.resolve();
  assert.is(await (await other).text(), 'other');
  assert.is(network.handshakes, 1);
  assert.is(network.exchanges.length, 1);
});

it('while the server has not answered', async () => {
  const server = await startServer();
  const sealedFetch = clientOf(server);
  const controller = new AbortController();
  const call = failure(sealedFetch('/waiting', { signal: controller.signal }));
  await started.next();
  controller.abort(new Error('my reason'));
  assert.is(((await within(call, 'the call')) as Error).message, 'my reason');
  const timed = await failure(sealedFetch('/waiting', { signal: AbortSignal.timeout(20) }));
  assert.is((timed as Error).name, 'TimeoutError');
});

it('during the upload: the stream of the caller is read no further', async () => {
  const server = await startServer();
  const controller = new AbortController();
  let pulled = 0;
  const body = new ReadableStream({
    pull: (stream) => {
      pulled++;
      stream.enqueue(pattern(10_000));
      return sleep(1);
    },
  });
  const init = { method: 'POST', body, duplex: 'half' as const, signal: controller.signal };
  const call = failure(clientOf(server)('/waiting', init));
  await started.next();
  controller.abort();
  assert.is(((await within(call, 'the call')) as Error).name, 'AbortError');
  let before = -1;
  await until(() => {
    const rests = before === pulled;
    before = pulled;
    return rests;
  }, 'nothing is pulled any more');
});

it('during the download: reading fails with the reason', async () => {
  const server = await startServer();
  const controller = new AbortController();
  const response = await clientOf(server)('/endless', { signal: controller.signal });
  const reader = (response.body as ReadableStream<Uint8Array>).getReader();
  assert.is(Buffer.from((await reader.read()).value as Uint8Array).toString(), 'beginning');
  const read = failure(reader.read());
  controller.abort();
  assert.is(((await within(read, 'the read')) as Error).name, 'AbortError');
});

it('during the download of an encoded body', async () => {
  const server = await startServer();
  const controller = new AbortController();
  const response = await clientOf(server)('/endless-gzip', { signal: controller.signal });
  const reader = (response.body as ReadableStream<Uint8Array>).getReader();
  assert.is(Buffer.from((await reader.read()).value as Uint8Array).toString(), 'beginning');
  const read = failure(reader.read());
  controller.abort();
  assert.is(((await within(read, 'the read')) as Error).name, 'AbortError');
});

it('after the call it has no effect', async () => {
  const server = await startServer();
  const controller = new AbortController();
  const response = await clientOf(server)('/', { method: 'POST', body: 'whole', signal: controller.signal });
  assert.is(await response.text(), 'whole');
  controller.abort();
  await sleep(5);
});

it("while a Request's stream is looked at", async () => {
  const server = await startServer();
  const controller = new AbortController();
  const body = new ReadableStream({
    start(stream) {
      stream.enqueue(pattern(10));
    },
  });
  const init = { method: 'POST', body, duplex: 'half', signal: controller.signal } as RequestInit;
  const call = failure(clientOf(server)(new Request(`${server.origin}/`, init)));
  await sleep(20);
  controller.abort();
  assert.is(((await within(call, 'the call', 1000)) as Error).name, 'AbortError');
});

it("a handshake that fails for a call that was aborted meanwhile is nobody else's error", async () => {
  const server = await startServer();
  const rejections = unhandledRejections();
  const controller = new AbortController();
  let lost = false;
  const network = recordingFetch({
    request(url) {
      if (!lost) return undefined;
      if (url.endsWith('/handshake')) throw new TypeError('fetch failed');
      const problem = { type: 'urn:sealwire:problem:unknown-session', code: 'unknown-session' };
      controller.abort();
      return new Response(JSON.stringify(problem), {
        status: 409,
        headers: { 'content-type': 'application/problem+json' },
      });
    },
  });
  const sealedFetch = clientOf(server, { fetch: network });
  assert.is((await sealedFetch('/', { signal: controller.signal })).status, 200);
  lost = true;
  await failure(sealedFetch('/', { signal: controller.signal }));
  await sleep(50);
  assert.equal(rejections, []);
});

test.run();
