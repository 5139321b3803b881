// What has not the form of a sealed request gets a clear problem, costs no memory, and leaves the connection usable.
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { encodeBase64Url, maxHeadLength, messageType } from '@sealwire/core';
import type { Application } from 'express';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { pattern } from './support/bytes.ts';
import { onExpress, sleep, within } from './support/cases.ts';
import { assertProblem, type Problem } from './support/problems.ts';
import { RawConnection, type RawResponse } from './support/raw-http.ts';
import { startSealed } from './support/servers.ts';
import { type Sending, WireClient, type WireMessage, type WireRequest } from './support/wire-client.ts';

let handled = 0;

function routes(app: Application): void {
  handled = 0;
  app.use((req, res) => {
    handled++;
    req.pipe(res);
  });
}

interface Case {
  request?: WireRequest;
  /** Changes what is sent; called with the message that would have been right. */
  sending: (message: WireMessage, headers: Map<string, string>) => Sending;
  code: Problem['code'] & Parameters<typeof assertProblem>[1];
}

const post: WireRequest = { path: '/here', body: 'a body' };
const get: WireRequest = { path: '/here' };

const cases: Record<string, Case> = {
  'another content type': {
    request: post,
    sending: () => ({ headers: [['Content-Type', 'application/octet-stream']] }),
    code: 'malformed',
  },
  'the sealed content type with a parameter': {
    request: post,
    sending: () => ({ headers: [['Content-Type', `${messageType}; charset=utf-8`]] }),
    code: 'malformed',
  },
  'two content types': {
    request: post,
    sending: () => ({
      headers: [
        ['Content-Type', messageType],
        ['Content-Type', messageType],
      ],
    }),
    code: 'malformed',
  },
  'a content encoding': {
    request: post,
    sending: () => ({ headers: [['Content-Encoding', 'gzip']] }),
    code: 'malformed',
  },
  'an identity content encoding': {
    request: post,
    sending: () => ({ headers: [['Content-Encoding', 'identity']] }),
    code: 'malformed',
  },
  'the sealed content type without the header': {
    request: post,
    sending: () => ({ sealwire: null }),
    code: 'malformed',
  },
  'the header twice': {
    request: post,
    sending: (_message, headers) => ({
      headers: [
        ['sealwire', headers.get('Sealwire') as string],
        ['SEALWIRE', headers.get('Sealwire') as string],
      ],
    }),
    code: 'malformed',
  },
  'the header without a message anywhere': {
    request: get,
    sending: (_message, headers) => ({ sealwire: headers.get('Sealwire')?.split(';h=')[0] as string }),
    code: 'malformed',
  },
  'a message in the header and one in the body': {
    request: get,
    sending: ({ message }, headers) => ({
      sealwire: headers.get('Sealwire') as string,
      headers: [['Content-Type', messageType]],
      body: message,
    }),
    code: 'malformed',
  },
  'a message in the header and a body of another type': {
    request: get,
    sending: () => ({ headers: [['Content-Type', 'text/plain']], body: Buffer.from('more') }),
    code: 'malformed',
  },
  'a message in the header and an empty chunked body': {
    request: get,
    sending: () => ({ framing: 'chunked', body: Buffer.alloc(0) }),
    code: 'malformed',
  },
  'a message in the header that is too long': {
    request: get,
    sending: (_message, headers) => ({
      sealwire: `${headers.get('Sealwire')?.split(';h=')[0]};h=${'A'.repeat(6145)}`,
    }),
    code: 'malformed',
  },
  'a message in the header that is no canonical base64url': {
    request: get,
    sending: ({ message }, headers) => ({
      sealwire: `${headers.get('Sealwire')?.split(';h=')[0]};h=${encodeBase64Url(message)}A`,
    }),
    code: 'rejected',
  },
  'another version': {
    request: post,
    sending: (_message, headers) => ({ sealwire: (headers.get('Sealwire') as string).replace('v=1', 'v=2') }),
    code: 'unsupported-version',
  },
  'a session that is not there': {
    request: post,
    sending: (_message, headers) => ({
      sealwire: (headers.get('Sealwire') as string).replace(/s=[^;]+/, 's=AAAAAAAAAAAAAAAAAAAAAA'),
    }),
    code: 'unknown-session',
  },
  'a parameter that is not known': {
    request: post,
    sending: (_message, headers) => ({ sealwire: `${headers.get('Sealwire')};x=1` }),
    code: 'malformed',
  },
  'garbage for a body': { request: post, sending: () => ({ body: pattern(500) }), code: 'rejected' },
  'much garbage for a body': { request: post, sending: () => ({ body: pattern(300_000) }), code: 'rejected' },
  'JSON for a body': { request: post, sending: () => ({ body: Buffer.from('{"a":1}') }), code: 'rejected' },
  'no byte of a body': { request: post, sending: () => ({ body: Buffer.alloc(0) }), code: 'rejected' },
};

/** A refusal leaves the connection to the next request, or closes it and says so. */
async function usable(wire: WireClient, connection: RawConnection, refused: RawResponse): Promise<void> {
  if (/close/i.test(refused.headers['connection'] ?? '')) {
    await connection.untilEnded();
    return;
  }
  const message = await wire.seal({ path: '/next', body: 'next' });
  assert.is((await wire.open(message, await wire.send(message, { connection }))).body.toString(), 'next');
}

for (const [name, { request = {}, sending, code }] of Object.entries(cases)) {
  onExpress(`${name}: ${code}`, async (express) => {
    const server = await startSealed(express, routes);
    const wire = await WireClient.connect(server);
    assert.is((await wire.exchange(request)).status, 200);
    const connection = await RawConnection.open(server.port);
    const message = await wire.seal(request);
    const refused = await wire.send(message, {
      connection,
      ...sending(message, new Map(wire.headersOf(message))),
    });
    assertProblem(refused, code);
    assert.is(handled, 1);
    await usable(wire, connection, refused);
  });
}

onExpress('a message in the header goes with a Content-Length of 0', async (express) => {
  const server = await startSealed(express, routes);
  const wire = await WireClient.connect(server);
  for (const method of ['GET', 'POST', 'DELETE']) {
    const answer = await wire.exchange({ path: '/here', method }, { headers: [['Content-Length', '0']] });
    assert.is(answer.status, 200);
  }
});

onExpress('a head of the largest size is taken, a larger one refused', async (express) => {
  const server = await startSealed(express, routes);
  const wire = await WireClient.connect(server);
  const head = (length: number) => ({
    path: '/here',
    body: '',
    fields: [['x-csrf-token', 'x'.repeat(length)] as const],
  });
  let fits = maxHeadLength - 200;
  assert.is((await wire.exchange(head(fits))).status, 200);
  // The tests' own encoder refuses beyond the limit: the largest that it takes is the largest there is.
  for (; ; fits++) {
    const error = await wire.seal(head(fits + 1)).catch((reason: unknown) => reason);
    if (error instanceof Error) break;
  }
  assert.is((await wire.exchange(head(fits))).status, 200);
  const connection = await RawConnection.open(server.port);
  const handMade = await wire.sealWithField(1000);
  assert.is((await wire.open(handMade, await wire.send(handMade, { connection }))).status, 200);
  const refused = await wire.send(await wire.sealWithField(fits + 1), { connection });
  assertProblem(refused, 'rejected');
  await usable(wire, connection, refused);
});

onExpress('a header of Sealwire beyond what Node takes is refused by Node', async (express) => {
  const server = await startSealed(express, routes);
  const wire = await WireClient.connect(server);
  const message = await wire.seal(get);
  const refused = await wire.send(message, { sealwire: `v=1;h=${'A'.repeat(40_000)}` });
  assert.is(refused.status, 431);
  assert.is(handled, 0);
});

onExpress('a record longer than the longest is refused on its four bytes', async (express) => {
  const server = await startSealed(express, routes);
  const wire = await WireClient.connect(server);
  const lengths = [
    0x1_ffff,
    65_536 + 17,
    15,
    0,
    0x0002_0000 | 100,
    0x1000_0000 | 100,
    0x4000_0000 | 100,
    0x2000_0000 | 100,
  ];
  for (const header of lengths) {
    const connection = await RawConnection.open(server.port);
    const message = await wire.seal(post);
    const beginning = Buffer.alloc(36);
    message.message.copy(beginning, 0, 0, 32);
    beginning.writeUInt32BE(header, 32);
    // A gigabyte is announced, 36 bytes come.
    await wire.sendHead(message, { connection, headers: [['Content-Length', String(2 ** 30)]] });
    await connection.write(beginning);
    const refused = await within(connection.response(), `the refusal of ${header.toString(16)}`, 2000);
    assertProblem(refused, 'rejected');
  }
  assert.is(handled, 0);
  assert.is((await wire.exchange(post)).status, 200);
});

onExpress('garbage without end is not collected', async (express) => {
  const server = await startSealed(express, routes);
  const wire = await WireClient.connect(server);
  const connection = await RawConnection.open(server.port);
  const message = await wire.seal(post);
  await wire.sendHead(message, { connection, headers: [['Content-Length', String(2 ** 30)]] });
  const garbage = pattern(1024 * 1024);
  await connection.write(garbage);
  assertProblem(await connection.response(), 'rejected');
  const before = await heldBytes();
  for (let i = 0; i < 100 && !connection.ended; i++) await connection.write(garbage);
  const grown = (await heldBytes()) - before;
  assert.ok(grown < 20 * 1024 * 1024, `grew by ${grown} bytes`);
  connection.socket.destroy();
  assert.is((await wire.exchange(post)).status, 200);
});

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** Bytes in buffers that somebody still holds. */
async function heldBytes(): Promise<number> {
  for (let i = 0; i < 5; i++) {
    // What is freed in one turn lets go of more in the next.
    await sleep(5);
    collectGarbage();
  }
  const { arrayBuffers, external } = process.memoryUsage();
  return arrayBuffers + external;
}

test.run();
