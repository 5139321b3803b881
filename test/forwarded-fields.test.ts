// What proxies say of a target, by whatever name, is what the sealed head says of it, or is gone.
import type { Application } from 'express';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type Express, onExpress } from './support/cases.ts';
import { startSealed } from './support/servers.ts';
import { WireClient } from './support/wire-client.ts';

function routes(app: Application, express: Express): void {
  app.use(express.text({ type: () => true }));
  app.use(({ headers, rawHeaders }, res) => void res.json({ headers, rawHeaders }));
}

onExpress('host and forwarded headers say what the sealed head says', async (express) => {
  const origins = ['https://api.example.com', 'http://127.0.0.1:8080'];
  const server = await startSealed(express, routes, { origins });
  const wire = await WireClient.connect({ ...server, origin: server.origin }).catch((error) => error);
  // The configuration is made for the origins: a client of another origin refuses it.
  assert.is(wire.code, 'audience-mismatch');
  const open = await startSealed(express, routes, { origins: 'host' });
  const client = await WireClient.connect(open);
  const outer: [string, string][] = [
    ['X-Forwarded-Host', 'evil.example'],
    ['X-Forwarded-Proto', 'gopher'],
    ['X-Forwarded-Port', '7'],
    ['Forwarded', 'for=192.0.2.1;host=evil.example;proto=gopher, for=192.0.2.2;host="evil.example"'],
  ];
  const { host, port } = new URL(open.origin);
  const { headers } = JSON.parse((await client.exchange({ path: '/x' }, { headers: outer })).body.toString());
  assert.equal(
    [headers.host, headers['x-forwarded-host'], headers['x-forwarded-proto'], headers['x-forwarded-port']],
    [host, host, 'http', port],
  );
  assert.not.match(headers.forwarded, /evil|gopher/);
  assert.match(headers.forwarded, 'for=192.0.2.1');
  for (const odd of [
    'host = evil.example',
    'host="a\\"evil.example"',
    'Host="evil.example',
    'proto = "evil"',
  ]) {
    const answer = await client.exchange(
      { path: '/x' },
      { headers: [['Forwarded', `for=192.0.2.1;${odd}`]] },
    );
    assert.not.match(JSON.parse(answer.body.toString()).headers.forwarded, /evil/, odd);
  }
});

onExpress('no other field names a target, whatever it is called', async (express) => {
  const server = await startSealed(express, routes);
  const wire = await WireClient.connect(server);
  const names = [
    ...['x-original-url', 'x-rewrite-url', 'x-original-uri', 'x-forwarded-uri', 'x-forwarded-path'],
    ...['x-forwarded-prefix', 'x-forwarded-method', 'x-original-method', 'x-host', 'x-original-host'],
    ...['x-forwarded-server', 'x-http-host-override', 'x-forwarded-scheme', 'x-forwarded-protocol'],
    ...['x-forwarded-ssl', 'x-url-scheme', 'front-end-https'],
  ];
  const outer = names.map((name): [string, string] => [name, '/evil']);
  for (const body of ['a body', undefined]) {
    const answer = await wire.exchange({ path: '/x', body }, { headers: [...outer, ['X-Request-Id', '7']] });
    const { headers, rawHeaders } = JSON.parse(answer.body.toString());
    assert.is(headers['x-request-id'], '7');
    for (const name of names) assert.is(headers[name], undefined, name);
    assert.not.match(rawHeaders.join(), 'evil');
  }
});

test.run();
