// Options are validated at once, and decide what the client trusts, seals, sends in clear and refuses.
import { createSealedFetch, isSealwireError, type SealedFetchOptions } from '@sealwire/client';
import { generateSigner, StaticKeys, thumbprint } from '@sealwire/core';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { it } from '../../../test/support/cases.ts';
import { clientOf, recordingFetch } from '../../../test/support/clients.ts';
import { thrown } from '../../../test/support/problems.ts';
import { listen, pin, startSealedNode } from '../../../test/support/servers.ts';

const origin = 'https://api.example.com';

/** What a call of createSealedFetch throws. */
function refusal(options: unknown): string {
  try {
    createSealedFetch(options as SealedFetchOptions);
  } catch (error) {
    assert.ok(isSealwireError(error, 'invalid-option'), String(error));
    return error.message;
  }
  throw new Error(`nothing was thrown for ${JSON.stringify(options)}`);
}

it('an option that is not valid is refused by name, with what would be', () => {
  const right = { origin, identity: pin };
  createSealedFetch(right);
  createSealedFetch({
    origin,
    identity: [pin, pin],
    suites: ['P-256'],
    outerFields: ['x-*'],
    otherOrigins: 'fetch',
    minSeq: 1,
    inspect: 'production',
    storage: new Map<string, string>(),
  });
  createSealedFetch({ origin, trust: 'tls', outerFields: '*' });
  const wrong: [unknown, RegExp | string][] = [
    [undefined, 'options'],
    [null, 'options'],
    [{ ...right, orign: origin }, 'orign'],
    [{ ...right, inspect: true }, 'inspect'],
    [{ ...right, idendity: pin }, 'idendity'],
    [{ identity: pin }, 'origin'],
    [{ ...right, origin: `${origin}/` }, 'origin'],
    [{ ...right, origin: 'api.example.com' }, 'origin'],
    [{ ...right, origin: 'ftp://api.example.com' }, 'origin'],
    [{ ...right, origin: new URL(origin) }, 'origin'],
    [{ origin }, "trust: 'tls'"],
    [{ origin, trust: 'ca' }, "trust: 'tls'"],
    [{ ...right, trust: 'tls' }, 'exclude'],
    [{ origin, identity: [] }, 'a list of pins'],
    [{ origin, identity: null }, 'a list of pins'],
    [{ origin, identity: 'sw1' }, 'sw1'],
    [{ origin, identity: `${pin} ` }, '43'],
    [{ origin, identity: [pin, pin.slice(0, -1)] }, '43'],
    [{ ...right, suites: [] }, 'suites'],
    [{ ...right, suites: ['RSA'] }, /RSA.*X25519/],
    [{ ...right, suites: 'X25519' }, 'suites'],
    [{ ...right, otherOrigins: 'allow' }, 'otherOrigins'],
    [{ ...right, outerFields: 'x-a' }, 'outerFields'],
    [{ ...right, fetch: 'fetch' }, 'fetch'],
    [{ ...right, clock: Date.now }, 'clock'],
    [{ ...right, minSeq: -1 }, 'minSeq'],
    [{ ...right, minSeq: '1' }, 'minSeq'],
    [{ ...right, minSeq: 1.5 }, 'minSeq'],
    [{ ...right, storage: null }, 'storage'],
    [{ ...right, storage: { get() {} } }, 'storage'],
    [{ origin, trust: 'tls', storage: { get() {}, set() {} } }, 'identity'],
  ];
  for (const [options, expected] of wrong) assert.match(refusal(options), expected);
});

it('a pin that is wrong is an error that names what was expected and what was found', async () => {
  const server = await startSealedNode((_req, res) => res.end('sealed'));
  const other = (await StaticKeys.generate(['X25519'])).pins[0] as string;
  assert.is(await (await clientOf(server)('/')).text(), 'sealed');
  assert.is(await (await clientOf(server, { identity: [other, pin] })('/')).text(), 'sealed');
  const network = recordingFetch();
  const error = await thrown(clientOf(server, { identity: other, fetch: network })('/'), 'identity-mismatch');
  assert.match(error.message, other);
  assert.match(error.message, pin);
  assert.equal(
    network.seen.map(({ path }) => path),
    ['/.well-known/sealwire'],
  );
});

it("without a pin, `trust: 'tls'` takes what TLS vouches for", async () => {
  const server = await startSealedNode((_req, res) => res.end('sealed'));
  assert.is(await (await clientOf(server, { trust: 'tls' })('/')).text(), 'sealed');
});

it('a configuration for other origins is refused', async () => {
  const server = await startSealedNode((_req, res) => res.end('sealed'), { origins: [origin] });
  const error = await thrown(clientOf(server)('/'), 'audience-mismatch');
  assert.match(error.message, server.origin);
});

it('without a common suite the error names those of the server', async () => {
  const server = await startSealedNode((_req, res) => res.end('sealed'));
  assert.is(await (await clientOf(server, { suites: ['P-256', 'X25519'] })('/')).text(), 'sealed');
  const error = await thrown(clientOf(server, { suites: ['P-256'] })('/'), 'no-common-suite');
  assert.match(error.message, 'X25519');
});

it('of the suites that both have, the preference of the client decides', async () => {
  const keys = await StaticKeys.generate(['X25519', 'P-256', 'MLKEM768-X25519']);
  const server = await startSealedNode(
    (req, res) => res.end((req as { sealed?: { suite: string } }).sealed?.suite),
    { keys },
  );
  for (const suites of [['P-256', 'X25519'], ['MLKEM768-X25519', 'P-256'], ['X25519']] as const) {
    assert.is(await (await clientOf(server, { suites })('/')).text(), suites[0]);
  }
  const byDefault = createSealedFetch({ origin: server.origin, identity: server.pin });
  assert.is(await (await byDefault('/')).text(), 'MLKEM768-X25519');
});

it('the server knows a client by the key that it signs with', async () => {
  const server = await startSealedNode((req, res) =>
    res.end((req as { sealed?: { client?: string } }).sealed?.client ?? 'nobody'),
  );
  assert.is(await (await clientOf(server)('/')).text(), 'nobody');
  for (const algorithm of ['Ed25519', 'ES256'] as const) {
    const clientKey = await generateSigner(algorithm);
    const text = await (await clientOf(server, { clientKey })('/')).text();
    assert.is(text, await thumbprint(algorithm, clientKey.pub));
  }
});

it('other origins are refused, or fetched as they are if that is allowed', async () => {
  const seen: (string | undefined)[] = [];
  const elsewhere = await listen((req, res) => {
    seen.push(req.headers['authorization']);
    res.end('elsewhere');
  });
  const server = await startSealedNode((_req, res) => res.end('sealed'));
  const headers = { authorization: 'mine' };
  const error = await thrown(clientOf(server)(`${elsewhere.origin}/x`, { headers }), 'other-origin');
  assert.match(error.message, elsewhere.origin);
  assert.equal(seen, []);
  const sealedFetch = clientOf(server, { otherOrigins: 'fetch' });
  for (const input of [
    `${elsewhere.origin}/x`,
    new URL(elsewhere.origin),
    new Request(elsewhere.origin, { headers }),
  ]) {
    const response = await sealedFetch(input, input instanceof Request ? {} : { headers });
    assert.equal([await response.text(), response.sealed], ['elsewhere', undefined]);
  }
  assert.equal(seen, ['mine', 'mine', 'mine']);
  assert.is(await (await sealedFetch('/')).text(), 'sealed');
});

it('a field that is neither sealed nor outer is refused by name, before anything is sent', async () => {
  const server = await startSealedNode(
    (req, res) => {
      res.end(JSON.stringify([req.headers['x-tenant'], req.headers['x-app-a'], req.headers['x-other']]));
    },
    { fields: ['X-Tenant', 'x-app-*'] },
  );
  const network = recordingFetch();
  const sealedFetch = clientOf(server, { fetch: network, outerFields: ['X-Other', 'x-any-*'] });
  const headers = { 'X-Tenant': 'acme', 'X-App-A': '1', 'x-other': '2', 'x-any-thing': '3' };
  assert.equal(await (await sealedFetch('/', { headers })).json(), ['acme', '1', '2']);
  const sent = network.exchanges[0]?.headers as Headers;
  assert.equal(
    [sent.get('x-tenant'), sent.get('x-app-a'), sent.get('x-other'), sent.get('x-any-thing')],
    [null, null, '2', '3'],
  );
  const error = await thrown(sealedFetch('/', { headers: { 'x-unknown': 'a' } }), 'field-not-listed');
  assert.match(error.message, 'x-unknown');
  assert.not.match(error.message, 'a value');
  assert.is(network.exchanges.length, 1);
  const clear = clientOf(server, { fetch: network, outerFields: '*' });
  assert.is((await clear('/', { headers: { 'x-unknown': 'a' } })).status, 200);
  assert.is(network.exchanges[1]?.headers.get('x-unknown'), 'a');
});

test.run();
