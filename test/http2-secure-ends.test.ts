// What goes wrong on a port of HTTP/2 and HTTP/1.1 ends the exchange that it happens to, and not its connection.
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { constants } from 'node:http2';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { flipped, pattern } from './support/bytes.ts';
import { within } from './support/cases.ts';
import { clientOf } from './support/clients.ts';
import { Http2Client } from './support/http2-client.ts';
import { failure } from './support/problems.ts';
import { downloadSize } from './support/secure-app.ts';
import { onBoth, onEach } from './support/secure-cases.ts';
import { fetchTrusting } from './support/secure-server.ts';

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

/** A body that is never whole. */
function endless(): ReadableStream<Uint8Array<ArrayBuffer>> {
  return new ReadableStream({ start: (controller) => controller.enqueue(pattern(200_000)) });
}

onBoth('a body that nobody reads leaves the connection as it was', async ({ ask }) => {
  for (let i = 0; i < 3; i++) {
    assert.is((await ask({ path: '/unread', body: pattern(downloadSize) })).body.toString(), 'unread');
  }
  assert.is(
    (await ask({ path: '/upload', body: pattern(downloadSize) })).body.toString(),
    sha256(pattern(downloadSize)),
  );
});

onBoth('a response that fails half-way is not taken for a whole one', async ({ ask }) => {
  const outcome = ask({ path: '/breaking' }).then(
    () => 'whole',
    () => 'broken',
  );
  assert.is(await within(outcome, 'the end of the response'), 'broken');
  assert.is((await ask({ path: '/nothing' })).status, 204);
});

onEach(
  'a client that resets its stream is noticed, up and down, and the connection goes on',
  async ({ app, server }) => {
    const client = await Http2Client.connect(server);
    const upload = await client.seal({ path: '/held', body: pattern(downloadSize) });
    const up = client.connection.request(upload.headers);
    up.on('error', () => {});
    up.write(upload.message?.subarray(0, 200_000));
    assert.is(await app.events.next('the first bytes'), 'data');
    up.close(constants.NGHTTP2_CANCEL);
    assert.is(await app.events.next('the end of the upload'), 'aborted');

    const { headers, opener } = await client.seal({ method: 'GET', path: '/feed' });
    const down = client.connection.request(headers);
    down.on('error', () => {});
    const res = await app.feeds.next('the handler');
    res.write('data: 1\n\n');
    const [chunk] = await within(once(down, 'data'), 'the first event');
    await opener.push(chunk);
    down.close(constants.NGHTTP2_CANCEL);
    assert.is(await app.events.next('the end of the feed'), 'closed');
    assert.not.ok(opener.opened.complete);

    assert.is((await client.exchange({ path: '/upload', body: pattern(9) })).opened?.status, 200);
  },
);

onEach('a client of HTTP/1.1 that goes away is noticed, up and down', async ({ app, server }) => {
  const sealedFetch = clientOf(server, { fetch: fetchTrusting(server.ca) });
  for (const [path, init, begun] of [
    ['/held', { method: 'POST', body: endless(), duplex: 'half' }, () => app.events.next('the first bytes')],
    ['/feed', {}, async () => void (await app.feeds.next('the handler')).write('data: 1\n\n')],
  ] as const) {
    const abort = new AbortController();
    const answer = failure(
      sealedFetch(path, { ...init, signal: abort.signal }).then((response) => response.text()),
    );
    await begun();
    abort.abort();
    assert.is(await app.events.next('the end'), path === '/held' ? 'aborted' : 'closed');
    assert.is(((await answer) as Error).name, 'AbortError');
  }
});

onEach('a response that the server breaks off is not taken for a whole one', async ({ app, server }) => {
  const client = await Http2Client.connect(server);
  const { headers, opener } = await client.seal({ method: 'GET', path: '/feed' });
  const stream = client.connection.request(headers);
  stream.on('error', () => {}).on('data', (chunk) => opener.push(chunk));
  const res = await app.feeds.next('the handler');
  res.write('data: 1\n\n');
  await within(once(stream, 'data'), 'the first event');
  res.destroy();
  await within(once(stream, 'close'), 'the end of the stream');
  assert.not.ok(opener.opened.complete);

  const sealedFetch = clientOf(server, { fetch: fetchTrusting(server.ca) });
  const answer = sealedFetch('/feed');
  const other = await app.feeds.next('the handler of HTTP/1.1');
  other.write('data: 1\n\n');
  const body = (await answer).text().then(
    () => 'whole',
    () => 'broken',
  );
  other.destroy();
  assert.is(await within(body, 'the end of the body'), 'broken');
});

onEach('an altered or shortened body is refused, and the connection goes on', async ({ server }) => {
  const client = await Http2Client.connect(server);
  for (const change of [
    (message: Buffer) => flipped(message, (message.length - 20) * 8),
    (message: Buffer) => message.subarray(0, -20),
  ]) {
    const small = await client.exchange({ path: '/upload', body: pattern(100) }, change);
    assert.equal([small.headers[':status'], small.headers['sealwire']], [400, 'rejected']);
    const streamed = await client.exchange({ path: '/upload', body: pattern(downloadSize) }, change);
    assert.is(streamed.opened?.status, 400);
    const { opened } = await client.exchange({ path: '/upload', body: pattern(downloadSize) });
    assert.is(opened?.body.toString(), sha256(pattern(downloadSize)));
  }
});

test.run();
