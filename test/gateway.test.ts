// The sealing gateway: plain programs on one side, a sealed server on the other.
import type { AddressInfo } from 'node:net';
import { createGateway, type GatewayOptions } from '@sealwire/client/node';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { it } from './support/cases.ts';
import { afterwards } from './support/resources.ts';
import { pin } from './support/servers.ts';
import { type Stack, stacks, startStack } from './support/stacks.ts';

const express5 = stacks[1] as Stack;

async function startGateway(options: Partial<GatewayOptions> & { origin: string }): Promise<string> {
  const gateway = createGateway({ identity: pin, suites: ['X25519'], ...options });
  await new Promise<void>((resolve) => gateway.listen(0, '127.0.0.1', resolve));
  afterwards(() => {
    gateway.close();
    gateway.closeAllConnections();
  });
  return `http://127.0.0.1:${(gateway.address() as AddressInfo).port}`;
}

it('a plain request arrives sealed, and its answer comes back in plain', async () => {
  const server = await startStack(express5, {
    express: (app, express) => {
      app.use(express.json());
      app.post('/echo', (req, res) => {
        res
          .status(201)
          .cookie('a', 'b')
          .set('x-answer', '1')
          .json({
            body: req.body,
            sealed: req.sealed !== undefined,
            url: req.originalUrl,
          });
      });
    },
  });
  const origin = await startGateway({ origin: server.origin });
  const headers = { 'content-type': 'application/json' };
  const response = await fetch(`${origin}/echo?a=1`, { method: 'POST', body: '{"a":1}', headers });
  assert.is(response.status, 201);
  assert.is(response.headers.get('x-answer'), '1');
  assert.equal(response.headers.getSetCookie(), ['a=b; Path=/']);
  assert.equal(await response.json(), { body: { a: 1 }, sealed: true, url: '/echo?a=1' });
});

test.run();
