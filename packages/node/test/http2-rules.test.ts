// What an attacker on the path may not do, over http2: the rules are the same as over HTTP/1, the ways around them others.
import { createServer, type IncomingHttpHeaders, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { MemorySessionStore, messageType } from '@sealwire/core';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { pattern } from '../../../test/support/bytes.ts';
import { it, within } from '../../../test/support/cases.ts';
import type { Http2Answer, Http2Request } from '../../../test/support/http2-client.ts';
import { type Http2Listener, startHttp2 } from '../../../test/support/http2-server.ts';
import { assertSealedProblem } from '../../../test/support/problems.ts';
import { afterwards } from '../../../test/support/resources.ts';
import { SlowStore } from '../../../test/support/stores.ts';
import type { OpenedResponse } from '../../../test/support/wire-message.ts';

let handled = 0;

const show: Http2Listener = async (req, res) => {
  handled++;
  const chunks: Buffer[] = [];
  for await (const chunk of req) chunks.push(chunk);
  const { method, url, authority, scheme, headers, rawHeaders, trailers, rawTrailers } = req;
  const body = Buffer.concat(chunks).toString();
  const seen = { method, url, authority, scheme, headers, rawHeaders, trailers, rawTrailers, body };
  res.setHeader('content-type', 'application/json');
  res.end(JSON.stringify(seen));
};

interface Seen {
  method: string;
  url: string;
  authority: string;
  headers: IncomingHttpHeaders;
  rawHeaders: string[];
  trailers: object;
  rawTrailers: string[];
  body: string;
}

function seenBy({ headers, opened, body }: Http2Answer): Seen {
  if (opened === undefined) throw new Error(`a plaintext answer: ${headers[':status']} ${body}`);
  assert.is(opened.status, 200);
  return JSON.parse(opened.body.toString());
}

const withBody: Http2Request = { path: '/x', body: Buffer.from('a body') };
const without: Http2Request = { path: '/x', method: 'GET' };

it('sealed fields added or swapped outside have no effect', async () => {
  const client = await startHttp2(show);
  const forged = {
    authorization: 'forged',
    'x-http-method-override': 'DELETE',
    range: 'bytes=0-0',
    'if-match': '"forged"',
    'content-language': 'forged',
    'x-original-url': '/forged',
  };
  for (const request of [withBody, without]) {
    const fields = [['authorization', 'right']] as const;
    const { headers, rawHeaders } = seenBy(await client.exchange({ ...request, fields, headers: forged }));
    assert.is(headers.authorization, 'right');
    for (const name of Object.keys(forged)) {
      const stands = rawHeaders.filter((each, i) => i % 2 === 0 && each === name).length;
      assert.is(stands, name === 'authorization' ? 1 : 0, name);
      if (stands === 0) assert.is(headers[name], undefined, name);
    }
  }
});

it('what a gateway sets, and what is not listed, is refused inside by name', async () => {
  const client = await startHttp2(show);
  seenBy(await client.exchange(withBody));
  handled = 0;
  for (const name of [
    'x-forwarded-for',
    'x-remote-user',
    'x-unlisted',
    'host',
    'cookie',
    'transfer-encoding',
    'connection',
  ]) {
    for (const request of [withBody, without]) {
      const { opened } = await client.exchange({ ...request, fields: [[name, '1']] });
      const { detail } = assertSealedProblem(opened as OpenedResponse, 'field-not-allowed');
      assert.match(detail ?? '', name);
    }
  }
  assert.is(handled, 0);
});

it('the sealed target decides, and another one outside is refused by name', async () => {
  const client = await startHttp2(show, { stripPrefix: '/api' });
  handled = 0;
  for (const request of [
    { ...withBody, path: '/api/x?a=%7E', outerPath: '/x?a=~' },
    { ...without, path: '/api/x?a=%7E', outerPath: '/./x?a=~' },
  ]) {
    const forwarded = { 'x-forwarded-host': 'evil.example', 'x-forwarded-proto': 'gopher' };
    const { url, headers, authority, rawHeaders } = seenBy(
      await client.exchange({ ...request, headers: forwarded }),
    );
    assert.equal([url, headers[':path']], ['/x?a=%7E', '/x?a=%7E']);
    assert.is(rawHeaders[rawHeaders.indexOf(':path') + 1], '/x?a=%7E');
    assert.equal([headers['x-forwarded-host'], headers['x-forwarded-proto']], [authority, 'http']);
  }
  handled = 0;
  for (const [outside, what] of [
    [{ outerPath: '/y?a=1' }, /The path differs/],
    [{ outerPath: '/x?a=2' }, /The query differs/],
    [{ outerPath: '/x?a=1', headers: { ':method': 'PUT' } }, /The method differs/],
    [{ outerPath: '/api/x?a=1' }, /The path differs: .* It arrived as it was sealed/],
  ] as const) {
    for (const request of [withBody, without]) {
      const { opened } = await client.exchange({ ...request, path: '/api/x?a=1', ...outside });
      const { detail } = assertSealedProblem(opened as OpenedResponse, 'target-mismatch');
      assert.match(detail ?? '', what);
    }
  }
  assert.is(handled, 0);
});

for (const slow of [false, true]) {
  const name = slow ? 'with a store that takes its time' : 'with a store that answers at once';
  it(`a message in the header goes with no byte of body, ${name}`, async () => {
    const memory = new MemorySessionStore();
    const client = await startHttp2(show, { store: slow ? new SlowStore(memory) : memory });
    for (const method of ['GET', 'POST', 'DELETE']) {
      const request = { path: '/x', method };
      assert.is(seenBy(await client.exchange(request)).body, '');
      // A stream that ends with an empty frame is as empty.
      assert.is(seenBy(await client.exchange({ ...request, attached: [Buffer.alloc(0)] })).body, '');
      handled = 0;
      for (const attack of [
        { attached: [Buffer.from('more')] },
        { attached: [Buffer.alloc(0), Buffer.from('m'), Buffer.alloc(300_000)] },
        { attached: [Buffer.from('more')], headers: { 'content-length': '4' } },
        { attached: [Buffer.from('more')], headers: { 'content-type': 'text/plain' } },
        { attached: [Buffer.from('more')], headers: { 'content-type': messageType } },
        { headers: { 'content-type': messageType } },
      ]) {
        const { headers } = await within(client.exchange({ ...request, ...attack }), 'the refusal');
        assert.equal(
          [headers[':status'], headers['sealwire']],
          [400, 'malformed'],
          JSON.stringify(attack.headers),
        );
      }
      assert.is(handled, 0);
    }
    assert.is(seenBy(await client.exchange(withBody)).body, 'a body');
  });
}

it('the Sealwire header stands once, in its form, and is not too long', async () => {
  const client = await startHttp2(show);
  seenBy(await client.exchange(withBody));
  handled = 0;
  const sound = 'v=1;s=AAAAAAAAAAAAAAAAAAAAAA;n=0';
  for (const sealwire of [
    [sound, sound],
    [sound, 'v=1'],
    `${sound}, ${sound}`,
    '',
    'v=1',
    sound.replace('v', 'V'),
    `${sound};x=1`,
    sound.replace('n=0', 'n=00'),
    sound.replace('n=0', 'n=1048576'),
    `${sound};h=${'A'.repeat(6145)}`,
  ]) {
    for (const request of [withBody, without]) {
      const { headers } = await client.exchange({ ...request, headers: { sealwire } });
      assert.equal([headers[':status'], headers['sealwire']], [400, 'malformed'], JSON.stringify(sealwire));
    }
  }
  for (const fault of [{ 'content-encoding': 'identity' }, { 'content-type': `${messageType};a=b` }]) {
    const { headers } = await client.exchange({ ...withBody, headers: fault });
    assert.is(headers['sealwire'], 'malformed');
  }
  assert.is(handled, 0);
});

it('a length of one byte more or less than the body is refused', async () => {
  const client = await startHttp2(async (req, res) => {
    let complete = true;
    try {
      for await (const _ of req);
    } catch {
      complete = false;
    }
    if (complete) handled++;
    res.statusCode = complete ? 200 : 422;
    res.end();
  });
  for (const size of [6, 300_000]) {
    handled = 0;
    assert.is((await client.exchange({ body: pattern(size) })).opened?.status, 200);
    for (const length of [size - 1, size + 1]) {
      const fields = [['content-length', String(length)]] as const;
      const { opened } = await client.exchange({ body: pattern(size), fields });
      assert.is(opened?.status, size > 65_536 ? 422 : 400, `${length} for ${size}`);
    }
    assert.is(handled, 1);
  }
});

it('trailers are the sealed ones, and those outside are dropped', async () => {
  const client = await startHttp2(show);
  const outerTrailers = { 'x-sum': 'forged', 'x-forged': '1' };
  for (const size of [6, 300_000]) {
    const body = pattern(size);
    const sealed = seenBy(await client.exchange({ body, trailers: [['x-sum', '42']], outerTrailers }));
    assert.equal([sealed.trailers, sealed.rawTrailers], [{ 'x-sum': '42' }, ['x-sum', '42']]);
    const none = seenBy(await client.exchange({ body, outerTrailers }));
    assert.equal([none.trailers, none.rawTrailers], [{}, []]);
  }
});

it('a handler that passes the request on over HTTP/1 frames it once', async () => {
  const framing: string[][] = [];
  const second = createServer((req, res) => {
    const names = req.rawHeaders.filter((_, i) => i % 2 === 0).map((name) => name.toLowerCase());
    framing.push(names.filter((name) => name === 'content-length' || name === 'transfer-encoding'));
    req.pipe(res);
  });
  await new Promise<void>((resolve) => second.listen(0, '127.0.0.1', resolve));
  afterwards(() => second.close().closeAllConnections());
  const { port } = second.address() as AddressInfo;
  const client = await startHttp2((req, res) => {
    const headers = Object.fromEntries(Object.entries(req.headers).filter(([name]) => !name.startsWith(':')));
    const { method, url: path } = req;
    const forward = request({ port, host: '127.0.0.1', method, path, headers, agent: false });
    req.pipe(forward.on('response', (answer) => void answer.pipe(res)));
  });
  for (const [each, expected] of [
    [{ body: pattern(6) }, ['content-length']],
    [{ body: pattern(300_000) }, ['content-length']],
    [{ body: pattern(6), length: false }, ['transfer-encoding']],
    [{ body: pattern(300_000), length: false }, ['transfer-encoding']],
    [{ body: pattern(0) }, ['content-length']],
    [{ method: 'GET' }, []],
  ] as const) {
    const { opened } = await client.exchange(each as Http2Request);
    assert.ok(opened?.body.equals('body' in each ? each.body : Buffer.alloc(0)));
    assert.equal(framing.pop(), expected);
  }
});

test.run();
