// The body of a handshake has a deadline, over HTTP/1 as over http2, and who goes away leaves nothing behind; so has the
// end of a stream whose message is in its header.
import type { EventEmitter } from 'node:events';
import type { OutgoingHttpHeaders } from 'node:http2';
import { defaultHandshakePath, handshakeType, problemType } from '@sealwire/core';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { it, sleep, within } from '../../../test/support/cases.ts';
import { startHttp2 } from '../../../test/support/http2-server.ts';
import { until } from '../../../test/support/left-behind.ts';
import { moveClock } from '../../../test/support/move-clock.ts';
import { assertProblem } from '../../../test/support/problems.ts';
import { RawConnection } from '../../../test/support/raw-http.ts';
import { startSealedNode } from '../../../test/support/servers.ts';
import { WireClient } from '../../../test/support/wire-client.ts';

/** Counts the requests that arrive at a server: the time of those begins to run. */
function arrivals(server: EventEmitter): (count: number) => Promise<void> {
  let arrived = 0;
  server.on('request', () => arrived++);
  return (count) => until(() => arrived >= count, `${count} requests arrive`);
}

const post = { ':method': 'POST', ':path': defaultHandshakePath, 'content-type': handshakeType };

it('a handshake that does not come in 15 seconds is answered with 408, and the connection closed', async () => {
  const server = await startSealedNode((_req, res) => res.end());
  const arrived = arrivals(server.server);
  const stalled: RawConnection[] = [];
  for (const sent of ['', '{', '{"v":1,']) {
    const connection = await RawConnection.open(server.port);
    await connection.head('POST', defaultHandshakePath, [
      ['Host', 'localhost'],
      ['Content-Type', handshakeType],
      ['Content-Length', '1000'],
    ]);
    await connection.write(sent);
    stalled.push(connection);
  }
  await arrived(stalled.length);
  assert.ok(stalled.every((connection) => !connection.ended));
  moveClock(15_000);
  for (const connection of stalled) {
    const response = await connection.response();
    assertProblem(response, 'timeout');
    assert.is(response.headers['connection'], 'close');
    await connection.untilEnded();
  }
  // Others are served as before.
  const wire = await WireClient.connect(server);
  assert.is((await wire.exchange({})).status, 200);
});

it('over http2 it is answered with 408, and the stream closed, the connection not', async () => {
  const client = await startHttp2((_req, res) => res.end('here'));
  const arrived = arrivals(client.server);
  const streams = ['', '{', '{"v":1,'].map((sent) => {
    const stream = client.connection.request(post);
    stream.on('error', () => {});
    if (sent !== '') stream.write(sent);
    const headers = new Promise<Record<string, unknown>>((resolve) => stream.on('response', resolve));
    const closed = new Promise((resolve) => stream.on('close', resolve));
    const body: Buffer[] = [];
    stream.on('data', (chunk: Buffer) => body.push(chunk));
    return { stream, headers, closed, body };
  });
  await arrived(streams.length);
  moveClock(15_000);
  for (const { headers, closed, body } of streams) {
    const { ':status': status, sealwire, 'content-type': type } = await within(headers, 'an answer');
    assert.equal([status, sealwire, type], [408, 'timeout', problemType]);
    await within(closed, 'the end of the stream');
    assert.is(JSON.parse(Buffer.concat(body).toString()).code, 'timeout');
  }
  assert.is((await client.exchange({ method: 'GET' })).opened?.body.toString(), 'here');
  await within(client.end(), 'the end of server and connection');
});

it('over http2 a message in the header waits 15 seconds for the end of its stream', async () => {
  const client = await startHttp2((_req, res) => res.end('here'));
  const { connection } = client;
  const request = connection.request.bind(connection);
  let sent: OutgoingHttpHeaders | undefined;
  connection.request = (headers, options) => {
    sent = headers as OutgoingHttpHeaders;
    return request(headers, options);
  };
  assert.is((await client.exchange({ method: 'GET' })).opened?.body.toString(), 'here');
  const arrived = arrivals(client.server);
  const stream = request(sent, { endStream: false });
  stream.on('error', () => {});
  stream.resume();
  const headers = new Promise<Record<string, unknown>>((resolve) => stream.on('response', resolve));
  const closed = new Promise((resolve) => stream.on('close', resolve));
  await arrived(1);
  moveClock(15_000);
  const { ':status': status, sealwire } = await within(headers, 'an answer');
  assert.equal([status, sealwire], [408, 'timeout']);
  await within(closed, 'the end of the stream');
  assert.is((await client.exchange({ method: 'GET' })).opened?.body.toString(), 'here');
});

it('over http2 a handshake that is too long is answered, and its stream closed', async () => {
  const client = await startHttp2((_req, res) => res.end('here'));
  const stream = client.connection.request(post);
  stream.on('error', () => {});
  const headers = new Promise<Record<string, unknown>>((resolve) => stream.on('response', resolve));
  const closed = new Promise((resolve) => stream.on('close', resolve));
  stream.resume();
  stream.write(Buffer.alloc(60_000));
  assert.equal((await within(headers, 'an answer'))['sealwire'], 'malformed');
  await within(closed, 'the end of the stream');
  await within(client.end(), 'the end of server and connection');
});

it('handshakes that are broken off are over, and no deadline comes for them', async () => {
  const client = await startHttp2((_req, res) => res.end('here'));
  const server = await startSealedNode((_req, res) => res.end());
  for (let i = 0; i < 5; i++) {
    const stream = client.connection.request(post);
    stream.on('error', () => {});
    stream.write('{"v":1,');
    const connection = await RawConnection.open(server.port);
    const declared = `Host: x\r\nContent-Type: ${handshakeType}\r\nContent-Length: 1000`;
    await connection.write(`POST ${defaultHandshakePath} HTTP/1.1\r\n${declared}\r\n\r\n{"v":1,`);
    await sleep(10);
    stream.destroy();
    connection.socket.destroy();
  }
  await sleep(20);
  moveClock(15_000);
  await sleep(1600);
  assert.is((await client.exchange({ method: 'GET' })).opened?.body.toString(), 'here');
  await within(client.end(), 'the end of server and connection');
});

test.run();
