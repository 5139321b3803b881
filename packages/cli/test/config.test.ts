// What a server publishes, as the command line shows it.
import { StaticKeys } from '@sealwire/core';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { it } from '../../../test/support/cases.ts';
import { startProxy } from '../../../test/support/proxies.ts';
import { listen, pin, startSealedNode } from '../../../test/support/servers.ts';
import { app } from './support/app.ts';
import { inProcess } from './support/in-process.ts';
import { sealwire } from './support/programs.ts';

it('a configuration is shown with who signed it, for whom, until when, and its keys', async () => {
  const { origin } = await startSealedNode(app);
  const { code, stdout } = await sealwire(['config', 'show', origin]);
  const text = String(stdout);
  assert.is(code, 0);
  assert.match(text, `signed by    ${pin}\n`);
  assert.match(text, origin);
  assert.match(text, /^key {10}\S{43} {2}X25519 {2}until /m);
  assert.match(text, 'It is valid, and signed by the pin that was given.');
  assert.is(String((await sealwire(['pin', origin])).stdout), `${pin}\n`);
});

it('as JSON it is the payload, who signed, and what is wrong with it', async () => {
  const { origin } = await startSealedNode(app);
  const { code, stdout } = await sealwire(['config', 'show', '--json', origin]);
  const { payload, signers, faults } = JSON.parse(String(stdout));
  assert.is(code, 0);
  assert.equal([signers, faults], [[pin], []]);
  assert.is(payload.keys.length, 1);
});

it('another pin, another origin, and an altered payload are faults', async () => {
  const { origin, port } = await startSealedNode(app);
  const other = (await StaticKeys.generate(['X25519'])).pins[0] as string;
  const wrong = await sealwire(['config', 'show', '--identity', other, origin]);
  assert.is(wrong.code, 1);
  assert.match(String(wrong.stdout), `It is signed by ${pin}, and not by ${other}.`);

  const elsewhere = `http://localhost:${port}`;
  const notMeant = await sealwire(['config', 'show', elsewhere]);
  assert.is(notMeant.code, 1);
  assert.match(String(notMeant.stdout), `list ${elsewhere} in the option`);

  const altering = await startProxy(
    { port },
    {
      response(returning) {
        const jws = JSON.parse(String(returning.body));
        const payload = JSON.parse(Buffer.from(jws.payload, 'base64url').toString());
        payload.seq += 1;
        jws.payload = Buffer.from(JSON.stringify(payload)).toString('base64url');
        returning.body = Buffer.from(JSON.stringify(jws));
      },
    },
  );
  const altered = await sealwire(['config', 'show', '--connect-to', altering.origin, origin]);
  assert.is(altered.code, 1);
  assert.match(String(altered.stdout), `The signature of ${pin} is wrong.`);
  const pins = await sealwire(['pin', '--connect-to', altering.origin, origin]);
  assert.equal([pins.code, String(pins.stdout)], [1, '']);
});

it('what answers with something else says what it was and what to do', async () => {
  const answers: [status: number, headers: Record<string, string>, body: string, text: RegExp][] = [
    [404, {}, '', /answered 404\. Mount sealwire\(\) at the root/],
    [
      302,
      { location: 'https://www.example.com/' },
      '',
      /leads to https:\/\/www\.example\.com\/: use that origin/,
    ],
    [200, { 'content-type': 'text/html' }, '<p>', /answered text\/html instead of application\/jose\+json/],
    [200, { 'content-type': 'application/jose+json' }, '{}', /no signed key configuration/],
  ];
  for (const [status, headers, body, text] of answers) {
    const { origin } = await listen((_req, res) => res.writeHead(status, headers).end(body));
    const { code, stderr } = await sealwire(['config', 'show', origin]);
    assert.is(code, 1);
    assert.match(stderr, text);
  }
});

it('whatever somebody answers ends in one line, and commands no terminal', async () => {
  const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const header = encode({ alg: 'EdDSA', typ: 'sealwire-config+jws', kid: pin });
  const signatures = [{ protected: header, signature: 'AAAA' }];
  const payload = { v: 1, aud: ['\u001b[31mred'], seq: 1, iat: 1, exp: 2 ** 53 - 1, fields: [], keys: [] };
  const answers: [body: string, code: number, text: RegExp][] = [
    [JSON.stringify({ payload: encode(null), signatures }), 1, /is no signed key configuration/],
    [JSON.stringify({ payload: encode({}), signatures }), 1, /is no signed key configuration/],
    [JSON.stringify({ payload: encode(payload), signatures: [] }), 1, /is no signed key configuration/],
    [
      JSON.stringify({ payload: encode({ ...payload, handshake: '/hs' }), signatures }),
      1,
      /for {10}\ufffd\[31mred\n[\s\S]*valid until {2}never/,
    ],
  ];
  for (const [body, expected, text] of answers) {
    const { origin } = await listen((_req, res) =>
      res.setHeader('content-type', 'application/jose+json').end(body),
    );
    const { code, stdout, stderr } = await inProcess(['config', 'show', origin]);
    assert.is(code, expected);
    assert.match(stdout + stderr, text);
    assert.is((await inProcess(['pin', origin])).code, 1);
  }
});

it('of an answer without an end no more is read than a configuration may have', async () => {
  const { origin } = await listen((_req, res) => {
    const more = () => {
      while (!res.destroyed && res.write(Buffer.alloc(65_536, 'a')));
    };
    res.setHeader('content-type', 'application/jose+json').on('drain', more);
    more();
  });
  const { code, stderr } = await inProcess(['config', 'show', origin]);
  assert.is(code, 1);
  assert.match(stderr, 'is no signed key configuration');
});

it('pins are a list as JSON, too', async () => {
  const { origin } = await startSealedNode(app);
  const { stdout } = await inProcess(['pin', '--json', origin]);
  assert.equal(JSON.parse(stdout), [pin]);
});

test.run();
