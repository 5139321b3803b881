// stripPrefix, addPrefix and ignoreQuery say what a proxy does to a target; whatever else happens to one is refused.
import type { Application } from 'express';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { onExpress } from './support/cases.ts';
import { clientOf } from './support/clients.ts';
import { assertSealedProblem } from './support/problems.ts';
import { startProxy } from './support/proxies.ts';
import { type SealedAppOptions, startSealed } from './support/servers.ts';
import { WireClient } from './support/wire-client.ts';

let handled: string[] = [];

function routes(app: Application): void {
  handled = [];
  app.use((req, res) => {
    handled.push(req.originalUrl);
    const { originalUrl, url, query, baseUrl } = req;
    res.json({ originalUrl, url, query, baseUrl });
  });
}

interface Case {
  readonly options: SealedAppOptions;
  /** Sealed target, outer target, what the application sees. */
  readonly passes: readonly (readonly [string, string, string])[];
  readonly refused: readonly (readonly [string, string, 'target-mismatch' | 'malformed', RegExp?])[];
}

const cases: Record<string, Case> = {
  stripPrefix: {
    options: { stripPrefix: '/api' },
    passes: [
      ['/api/x?a=1', '/x?a=1', '/x?a=1'],
      ['/api/', '/', '/'],
      ['/api', '/', '/'],
      ['/api?q', '/?q', '/?q'],
      ['/%61pi/x', '/x', '/x'],
      ['/api/api/x', '/api/x', '/api/x'],
      ['/api/%7Eu', '/~u', '/%7Eu'],
    ],
    refused: [
      [
        '/api/x',
        '/api/x',
        'target-mismatch',
        /forwarded as \/x, received \w+ \/api\/x\. It arrived as it was sealed/,
      ],
      ['/x', '/x', 'target-mismatch', /not below `\/api`, the option `stripPrefix`/],
      ['/apix/y', '/y', 'target-mismatch', /not below/],
      ['/API/x', '/x', 'target-mismatch', /not below/],
      ['/other/x', '/x', 'target-mismatch', /not below/],
      ['/api/x', '/y', 'target-mismatch', /received \w+ \/y/],
      ['/api/x?a=1', '/x?a=2', 'target-mismatch', /query/],
      // What is left would begin with an authority.
      ['/api//evil.example/x', '//evil.example/x', 'malformed'],
    ],
  },
  addPrefix: {
    options: { addPrefix: '/v1' },
    passes: [
      ['/x?a=1', '/v1/x?a=1', '/v1/x?a=1'],
      ['/', '/v1/', '/v1/'],
      ['/v1/x', '/v1/v1/x', '/v1/v1/x'],
    ],
    refused: [
      ['/x', '/x', 'target-mismatch', /forwarded as \/v1\/x, received \w+ \/x\. It arrived as it was sealed/],
      ['/x', '/v2/x', 'target-mismatch', /path/],
      ['/v1/x', '/v1/x', 'target-mismatch', /path/],
    ],
  },
  'both, which replaces a prefix': {
    options: { stripPrefix: '/public/api', addPrefix: '/internal' },
    passes: [['/public/api/x?a', '/internal/x?a', '/internal/x?a']],
    refused: [
      ['/public/api/x', '/x', 'target-mismatch'],
      ['/public/api/x', '/internal/public/api/x', 'target-mismatch'],
      ['/public/x', '/internal/x', 'target-mismatch'],
    ],
  },
  ignoreQuery: {
    options: { ignoreQuery: true },
    passes: [
      ['/x?a=1', '/x?a=2&utm=3', '/x?a=1'],
      ['/x?a=1', '/x', '/x?a=1'],
      ['/x', '/x?role=admin', '/x'],
    ],
    refused: [
      ['/x?a=1', '/y?a=1', 'target-mismatch', /path/],
      ['/x?a=1', '/x/?a=1', 'target-mismatch', /path/],
    ],
  },
  none: {
    options: {},
    passes: [
      ['/x?a=%c3%bc', '/x?a=%C3%BC', '/x?a=%c3%bc'],
      ['/x', '/x?', '/x'],
      ['/x?', '/x', '/x?'],
    ],
    refused: [
      ['/api/x', '/x', 'target-mismatch', /strips `\/api`.*`stripPrefix`/],
      ['/x', '/v1/x', 'target-mismatch', /adds `\/v1`.*`addPrefix`/],
      ['/x?a=1', '/x?a=1&b', 'target-mismatch', /`ignoreQuery`/],
      ['/a//b', '/a/b', 'target-mismatch', /merges slashes/],
      ['/a%2Fb', '/a/b', 'target-mismatch', /decodes escapes/],
      ['/a', '/b', 'target-mismatch', /received \w+ \/b\.$/],
    ],
  },
};

for (const [name, { options, passes, refused }] of Object.entries(cases)) {
  onExpress(`${name}: the application sees the sealed target as it is forwarded`, async (express) => {
    const server = await startSealed(express, routes, options);
    const wire = await WireClient.connect(server);
    for (const body of [undefined, 'a body']) {
      for (const [path, outer, expected] of passes) {
        const message = { ...(await wire.seal({ path, body })), path: outer };
        const answer = await wire.open(message, await wire.send(message));
        assert.is(answer.status, 200, `${path} as ${outer}: ${answer.body}`);
        const { originalUrl, url } = JSON.parse(answer.body.toString());
        assert.equal([originalUrl, url], [expected, expected]);
      }
      const before = handled.length;
      for (const [path, outer, code, detail = /./] of refused) {
        const message = { ...(await wire.seal({ path, body })), path: outer };
        const problem = assertSealedProblem(await wire.open(message, await wire.send(message)), code);
        if (code === 'target-mismatch') assert.match(problem.detail ?? '', detail);
      }
      assert.is(handled.length, before);
    }
  });
}

onExpress('the fetch client behind a proxy that replaces a prefix', async (express) => {
  const proxy = await startProxy(
    {
      get port() {
        return server.port;
      },
    },
    {
      request(passing) {
        passing.url = passing.url.replace(/^\/api/, '/v1');
      },
    },
  );
  const server = await startSealed(express, routes, {
    origins: [proxy.origin],
    stripPrefix: '/api',
    addPrefix: '/v1',
  });
  const answer = await (await clientOf({ ...server, origin: proxy.origin })('/api/x?a=1')).json();
  assert.equal(answer, { originalUrl: '/v1/x?a=1', url: '/v1/x?a=1', query: { a: '1' }, baseUrl: '' });
});

test.run();
