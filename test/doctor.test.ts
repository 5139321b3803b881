// What the doctor says of servers that work, and of everything in between that keeps clients from them.
import { StaticKeys } from '@sealwire/core';
import { sealwire as sealwireExpress } from '@sealwire/express';
import cors from 'cors';
import express from 'express';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { app } from '../packages/cli/test/support/app.ts';
import { sealwire } from '../packages/cli/test/support/programs.ts';
import { it } from './support/cases.ts';
import { type ProxyRules, startProxy } from './support/proxies.ts';
import { listen, pin, startSealedNode } from './support/servers.ts';

interface Finding {
  check: string;
  level: string;
  text: string;
  remedy?: string;
}

/** What it finds, and the exit code. */
async function findings(args: readonly string[]) {
  const { code, stdout, stderr } = await sealwire(['doctor', '--json', ...args]);
  assert.is(stderr, '');
  return { code, found: (JSON.parse(String(stdout)) as { findings: Finding[] }).findings };
}

/** What it finds of a server behind something that changes what passes. */
async function behind(rules: ProxyRules, args: readonly string[] = []) {
  const { origin, port } = await startSealedNode(app);
  const proxy = await startProxy({ port }, rules);
  return findings(['--connect-to', proxy.origin, ...args, origin]);
}

const problems = (found: readonly Finding[]) => found.filter(({ level }) => level === 'problem');

it('a server that works has no problem, as lines and as JSON', async () => {
  const { origin } = await startSealedNode(app);
  const { code, found } = await findings([origin]);
  assert.equal([code, problems(found)], [0, []]);
  const checks = found.map(({ check }) => check);
  for (const each of ['TLS', 'configuration', 'clock', 'caches', 'handshake', 'GET', 'body', 'long header'])
    assert.ok(checks.includes(each), each);
  const { stdout } = await sealwire(['doctor', origin]);
  assert.match(String(stdout), /^✓ configuration +seq \d+, signed by sw1/m);
  assert.not.match(String(stdout), '\x1b');
});

const onSealed =
  (change: NonNullable<ProxyRules['request']>): NonNullable<ProxyRules['request']> =>
  (passing) => {
    if (passing.headers.sealwire !== undefined) change(passing);
  };

const inBetween: [what: string, rules: ProxyRules, check: string, remedy: RegExp][] = [
  [
    'a proxy that drops the header',
    { request: onSealed(({ headers }) => delete headers.sealwire) },
    'GET',
    /drops the header Sealwire/,
  ],
  [
    'a proxy that rewrites paths',
    {
      request: onSealed((passing) => {
        passing.url = `/v1${passing.url}`;
      }),
    },
    'GET',
    /stripPrefix, addPrefix/,
  ],
  [
    'a proxy that changes bodies',
    {
      response({ body }, { headers }) {
        if (headers.sealwire !== undefined) body.fill(0, body.length - 1);
      },
    },
    'body',
    /no-transform/,
  ],
  [
    'a proxy that cuts bodies short',
    {
      response(returning, { headers }) {
        if (headers.sealwire !== undefined) returning.body = returning.body.subarray(0, -4);
      },
    },
    'body',
    /limits of size and time/,
  ],
  [
    'a proxy with small header buffers',
    {
      response(returning, { headers }) {
        if ((headers.sealwire?.length ?? 0) < 4000) return;
        Object.assign(returning, { status: 431, headers: {}, body: Buffer.from('too large') });
      },
    },
    'long header',
    /large_client_header_buffers/,
  ],
  [
    'a firewall that takes no bodies of 100 kB',
    {
      response(returning, { body }) {
        if (body.length < 50_000) return;
        Object.assign(returning, { status: 413, headers: {}, body: Buffer.from('too large') });
      },
    },
    'body',
    /client_max_body_size/,
  ],
  [
    'a clock that is an hour behind',
    {
      response({ headers }) {
        headers.date = new Date(Date.now() - 3_600_000).toUTCString();
      },
    },
    'clock',
    /NTP/,
  ],
];

for (const [what, rules, check, remedy] of inBetween) {
  it(`${what} is found, with what to do about it`, async () => {
    const { code, found } = await behind(rules);
    assert.is(code, 1);
    const problem = problems(found).find((each) => each.check === check);
    assert.match(problem?.remedy ?? JSON.stringify(found), remedy);
  });
}

it('a copy that a cache kept for too long is a warning', async () => {
  const { code, found } = await behind({
    response({ headers }) {
      headers.age = '100000';
      headers.date = new Date(Date.now() - 100_000_000).toUTCString();
    },
  });
  assert.is(found.find(({ check }) => check === 'caches')?.level, 'warning');
  assert.is(code, 0);
});

it('a server that is not the one of the pin, has no Sealwire, or is down, says so and ends', async () => {
  const { origin } = await startSealedNode(app);
  const other = (await StaticKeys.generate(['X25519'])).pins[0] as string;
  const [wrongPin, plain] = await Promise.all([
    findings(['--identity', other, origin]),
    listen((_req, res) => res.writeHead(404).end()).then((server) => findings([server.origin])),
  ]);
  assert.is(wrongPin.code, 1);
  assert.match(problems(wrongPin.found)[0]?.text ?? '', `It is signed by ${pin}, and not by ${other}.`);
  assert.equal([plain.code, plain.found.length], [1, 2]);
  assert.match(plain.found[1]?.text ?? '', 'answered 404. Mount sealwire() at the root');
  const nobody = await listen();
  await nobody.close();
  assert.match(
    (await findings([nobody.origin])).found[1]?.text ?? '',
    'did not answer: connect ECONNREFUSED',
  );
});

it('a page of another origin may call where cors() is mounted first, and not otherwise', async () => {
  const page = 'https://app.example.com';
  const keys = await StaticKeys.generate(['X25519']);
  const start = async (open: boolean) => {
    const server = await listen();
    const answering = express();
    if (open) answering.use(cors({ origin: page }));
    answering.use(sealwireExpress({ keys, origins: [server.origin] }));
    server.server.on('request', answering);
    return findings(['--identity', keys.pins[0] as string, '--page', page, server.origin]);
  };
  const [open, closed] = await Promise.all([start(true), start(false)]);
  assert.equal([open.code, problems(open.found)], [0, []]);
  assert.is(open.found.filter(({ check }) => check === 'CORS').length, 2);
  assert.is(closed.code, 1);
  for (const problem of problems(closed.found))
    assert.match(problem.remedy ?? '', 'Mount cors() before sealwire()');
  assert.is(problems(closed.found).length, 3);
});

it('a server that hangs up on pages says so and ends', async () => {
  const server = await listen();
  const answering = express();
  answering.use(cors());
  answering.use(sealwireExpress({ keys: await StaticKeys.generate(['X25519']), origins: [server.origin] }));
  server.server.on('request', (req, res) => {
    if (req.method === 'GET' && req.headers.origin !== undefined) req.socket.destroy();
    else answering(req, res);
  });
  const { code, found } = await findings(['--page', 'https://app.example.com', server.origin]);
  assert.is(code, 1);
  assert.match(
    found.at(-1)?.text ?? '',
    'was not answered to a page of https://app.example.com: socket hang up',
  );
});

test.run();
