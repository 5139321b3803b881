// A real nginx in front that does not deliver: buffers too small, a server that dies, the same bytes sent to the next one.
import type { Application } from 'express';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { behindNginx, startBehindNginx } from './support/behind-nginx.ts';
import type { Express } from './support/cases.ts';
import { clientOf } from './support/clients.ts';
import { planNginx } from './support/nginx.ts';
import { assertSealedProblem, thrown } from './support/problems.ts';
import { listen, startSealed } from './support/servers.ts';
import { WireClient } from './support/wire-client.ts';

let handled = 0;

function routes(app: Application, express: Express): void {
  handled = 0;
  app.use(express.text({ type: () => true }));
  app.use((req, res) => {
    handled++;
    res.json(req.body ?? null);
  });
}

const passesOn = (upstream: string) => ({ server: `location / { proxy_pass ${upstream}; }` });

behindNginx(
  'the longest head in a header fits the usual buffers; smaller ones give a clear error',
  async (express) => {
    const usual = await startBehindNginx(express, routes, passesOn);
    // A token this long fills the 6,144 characters nearly.
    const headers = (length: number) => ({ authorization: `Bearer ${'t'.repeat(length)}` });
    assert.is((await clientOf(usual)('/x', { headers: headers(4300) })).status, 200);
    await thrown(clientOf(usual)('/x', { headers: headers(4600) }), 'head-too-large');

    const small = await startBehindNginx(express, routes, (upstream) => ({
      server: `client_header_buffer_size 512; large_client_header_buffers 2 1k; location / { proxy_pass ${upstream}; }`,
    }));
    const sealedFetch = clientOf(small);
    assert.is((await sealedFetch('/x')).status, 200);
    const before = handled;
    const error = await thrown(sealedFetch('/x', { headers: headers(2000) }), 'plaintext-answer');
    assert.is((error as unknown as { untrusted: Response }).untrusted.status, 400);
    assert.match(error.message, /Status 400\..*`Sealwire` header/);
    assert.is(handled, before);
    // With a body, the head is in it.
    const post = { method: 'POST', body: 'b', headers: headers(2000) };
    assert.is((await sealedFetch('/x', post)).status, 200);
  },
);

for (const dies of ['before', 'after'] as const) {
  behindNginx(`proxy_next_upstream: a first server that dies ${dies} it executed`, async (express) => {
    const nginx = await planNginx();
    const options = { origins: [nginx.origin] };
    const second = await startSealed(express, routes, options);
    const { store } = second;
    const executed: string[] = [];
    let passes = true;
    const first = await startSealed(
      express,
      (app) => {
        app.use((req, res) => {
          executed.push(req.method);
          if (passes) res.json('first');
          else req.socket.destroy();
        });
      },
      {
        ...options,
        store,
        before: (app) =>
          void app.use((req, _res, next) => {
            if (dies === 'before' && !passes) req.socket.destroy();
            else next();
          }),
      },
    );
    await nginx.start(() => ({
      http: `upstream both { server 127.0.0.1:${first.port} max_fails=0; server 127.0.0.1:${second.port} backup; }`,
      server: `location / {
        proxy_pass http://both;
        proxy_set_header Host $host;
        proxy_next_upstream error timeout non_idempotent;
      }`,
    }));
    handled = 0;
    const sealedFetch = clientOf({ ...second, origin: nginx.origin });
    const post = () => sealedFetch('/transfer', { method: 'POST', body: 'transfer 100' });
    assert.is(await (await post()).json(), 'first');
    passes = false;
    if (dies === 'before') {
      assert.is(await (await post()).json(), 'transfer 100');
      assert.equal([executed.length, handled], [1, 1]);
    } else {
      // The second server knows from the store that these bytes ran; that they ran to an end, nobody knows.
      await thrown(post(), 'outcome-unknown');
      assert.equal([executed.length, handled], [2, 0]);
    }
  });
}

behindNginx('bytes that were sent again behind the first answer are a sealed "replayed"', async (express) => {
  const server = await startBehindNginx(express, routes, passesOn);
  const wire = await WireClient.connect(server);
  const message = await wire.seal({ path: '/transfer', body: 'transfer 100' });
  assert.is((await wire.open(message, await wire.send(message))).status, 200);
  assertSealedProblem(await wire.open(message, await wire.send(message)), 'replayed');
  assert.is(handled, 1);
});

behindNginx(
  'an upstream that is down is a plaintext answer of nginx, not one of the server',
  async (express) => {
    const gone = await listen();
    const server = await startBehindNginx(express, routes, (upstream) => ({
      server: `location / { proxy_pass ${upstream}; } location /down { proxy_pass ${gone.origin}; }`,
    }));
    await gone.close();
    assert.is((await clientOf(server)('/up')).status, 200);
    const error = await thrown(clientOf(server)('/down'), 'plaintext-answer');
    assert.match(error.message, 'Status 502.');
  },
);

test.run();
