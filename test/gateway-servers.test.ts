// The servers that a sealing gateway leads to: restarted ones, and such at other kinds of addresses.
import { createServer as createHttpServer, type RequestListener } from 'node:http';
import { createServer as createTlsServer, Agent as TlsAgent } from 'node:https';
import type { AddressInfo, Server } from 'node:net';
import { networkInterfaces } from 'node:os';
import { nodeFetch } from '@sealwire/client/node';
import { MemorySessionStore, StaticKeys } from '@sealwire/core';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { it } from './support/cases.ts';
import { certificate } from './support/certificate.ts';
import { assertOwn, gatewayStacks, startGateway } from './support/gateways.ts';
import { ask } from './support/plain-client.ts';
import { afterwards } from './support/resources.ts';
import { pin, startSealedNode } from './support/servers.ts';
import type { Stack } from './support/stacks.ts';

const [express5] = gatewayStacks as [Stack];

/** Says what it was sent. */
const repeating: RequestListener = async (req, res) => {
  let text = '';
  for await (const chunk of req) text += chunk;
  res.end(`${req.method} ${text.length}`);
};

it('a server that was restarted, with its keys or with others, gets short bodies again', async () => {
  const other = await StaticKeys.generate(['X25519']);
  let server = await startSealedNode(repeating);
  const { origin, port } = server;
  const gateway = await startGateway({ origin, identity: [pin, other.pins[0] as string] });
  const safe = { method: 'GET', body: 'abc', headers: { 'content-length': 3 } };
  for (const keys of [undefined, other]) {
    assert.is(String((await ask(gateway.origin, '/', safe)).body), 'GET 3');
    await server.close();
    // By then its connection to the server is gone, too.
    assertOwn(await ask(gateway.origin, '/'), 'server-unreachable', 502);
    server = await startSealedNode(repeating, { port, ...(keys && { keys }) });
    assert.is(String((await ask(gateway.origin, '/', safe)).body), 'GET 3');
  }
  assert.is(String((await ask(gateway.origin, '/', { method: 'POST', body: 'abc' })).body), 'POST 3');
});

it('of a body that cannot be sent again, or of which nobody knows what became, it says so', async () => {
  const server = await startSealedNode(repeating);
  const { origin, port } = server;
  const gateway = await startGateway({ origin });
  for (const [body, code, status] of [
    ['abc', 'outcome-unknown', 502],
    ['a'.repeat(200_000), 'body-not-resendable', 503],
  ] as const) {
    await ask(gateway.origin, '/');
    await server.close();
    // By then its connection to the server is gone, too.
    assertOwn(await ask(gateway.origin, '/'), 'server-unreachable', 502);
    const again = await startSealedNode(repeating, { port });
    assertOwn(await ask(gateway.origin, '/', { method: 'POST', body }), code, status);
    assert.is((await ask(gateway.origin, '/', { method: 'POST', body })).status, 200);
    await again.close();
  }
});

it('a redirect may name the port that is the default one', async () => {
  const origin = 'http://api.test';
  const server = await startSealedNode(
    (_req, res) => res.writeHead(302, { location: `${origin}:80/a?b` }).end(),
    { origins: [origin] },
  );
  const gateway = await startGateway({ origin, fetch: nodeFetch({ connectTo: server.origin }) });
  const { headers } = await ask(gateway.origin, '/');
  assert.is(Object.fromEntries(headers).location, `${gateway.origin}/a?b`);
});

/** Listens with the application behind Sealwire; it is closed after the test. */
async function serve(server: Server, host: string, originOf: (port: number) => string): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, host, resolve));
  afterwards(() => server.close());
  const origin = originOf((server.address() as AddressInfo).port);
  server.on('request', express5.listener({ listener: repeating }, origin, new MemorySessionStore()));
  return origin;
}

it('an origin may be an IPv6 address', async () => {
  const has = Object.values(networkInterfaces()).some((each) =>
    each?.some(({ address }) => address === '::1'),
  );
  const origin = await serve(createHttpServer(), has ? '::1' : '127.0.0.1', (port) => `http://[::1]:${port}`);
  const fetch = nodeFetch(has ? {} : { connectTo: origin.replace('[::1]', '127.0.0.1') });
  const gateway = await startGateway({ origin, fetch });
  assert.is(String((await ask(gateway.origin, '/')).body), 'GET 0');
});

it("an https origin may have a certificate of an authority of one's own, which is checked", async () => {
  const { key, cert } = certificate;
  const origin = await serve(
    createTlsServer({ key, cert }),
    '127.0.0.1',
    (port) => `https://localhost:${port}`,
  );
  const connectTo = origin.replace('localhost', '127.0.0.1');
  const agent = new TlsAgent({ ca: cert });
  const trusting = await startGateway({ origin, fetch: nodeFetch({ agent, connectTo }) });
  assert.is(String((await ask(trusting.origin, '/')).body), 'GET 0');
  const doubting = await startGateway({ origin, fetch: nodeFetch({ connectTo }) });
  assert.match(assertOwn(await ask(doubting.origin, '/'), 'server-unreachable', 502), 'certificate');
});

test.run();
