// What the command line says of failures: a line with a code and what to do, and curl's exit codes.
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { StaticKeys } from '@sealwire/core';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { deferred, it, within } from '../../../test/support/cases.ts';
import { startProxy } from '../../../test/support/proxies.ts';
import { listen, pin, startSealedNode } from '../../../test/support/servers.ts';
import { app } from './support/app.ts';
import {
  folderWith,
  run,
  sealwire,
  sealwireArgs,
  startProxyCommand,
  startSealwire,
} from './support/programs.ts';

/** Asserts how a command fails, in one line. @returns what it said */
async function assertFails(args: readonly string[], exitCode: number, code: string): Promise<string> {
  const { code: ended, stdout, stderr } = await sealwire(args);
  assert.equal([ended, String(stdout)], [exitCode, ''], `${args.join(' ')}: ${stderr}`);
  assert.match(stderr, new RegExp(`^sealwire: ${code}: [^\\n]+\\n$`), args.join(' '));
  return stderr;
}

const wrongUsage: [string[], RegExp][] = [
  [[], /command is missing/],
  [['curll'], /no command "curll"/],
  [['curl'], /one URL/],
  [['curl', '--nonsense', 'localhost'], /no flag --nonsense/],
  [['curl', '-iq', 'localhost'], /no flag -q/],
  [['curl', '--fail=1', 'localhost'], /--fail takes no value/],
  [['curl', 'localhost', '-H'], /-H needs FIELD/],
  [['curl', 'localhost', '-d', 'a', '-F', 'a=b'], /exclude each other/],
  [['curl', 'localhost', '-H', 'Host: a'], /host is sealed/],
  [['curl', 'localhost', '--trust-tls', '--identity', pin], /exclude each other/],
  [['curl', 'localhost', '--trust-tls', '-k'], /--insecure/],
  [['curl', 'localhost', '-m', 'soon'], /--max-time takes a number/],
  [['curl', 'localhost', '-L', '--max-redirs', '-1'], /--max-redirs takes a number/],
  [['proxy', 'http://localhost', '--listen', '0.0.0.0:8081'], /loopback only/],
  [['proxy'], /one ORIGIN/],
  [['proxy', 'http://localhost/path'], /is no origin/],
  [['config'], /"config show"/],
];

for (const [args, text] of wrongUsage) {
  it(`wrong usage is 2, and says what is right: sealwire ${args.join(' ')}`, async () => {
    assert.match(await assertFails(args, 2, 'usage'), text);
  });
}

it('an option that is not valid is wrong usage, too', async () => {
  const options: string[][] = [
    ['curl', 'localhost', '--suite', 'ROT13'],
    ['curl', 'localhost', '--identity', 'sw1nonsense'],
    ['curl', 'localhost', '--connect-to', 'nowhere'],
  ];
  await Promise.all(options.map((args) => assertFails(args, 2, 'invalid-option')));
});

it('without a pin it says how to give one', async () => {
  const { code, stderr } = await sealwire(['curl', 'localhost'], { env: { SEALWIRE_IDENTITY: '' } });
  assert.is(code, 2);
  assert.match(stderr, /--identity sw1….*SEALWIRE_IDENTITY.*--trust-tls/);
});

it('help tells every flag, and a version is one', async () => {
  for (const args of [
    ['--help'],
    ['help'],
    ['help', 'proxy'],
    ['curl', '--help'],
    ['help', 'curl'],
    ['help', 'config', 'show'],
    ['doctor', '--help'],
  ]) {
    const { code, stdout, stderr } = await sealwire(args);
    assert.equal([code, stderr], [0, '']);
    assert.match(String(stdout), /^Usage: sealwire /);
  }
  assert.match(String((await sealwire(['--version'])).stdout), /^\d+\.\d+\.\d+\n$/);
});

it('what cannot be reached has the exit code of curl', async () => {
  const { origin, close } = await startSealedNode(app);
  const plain = await listen((_req, res) => res.end('plain'));
  await close();
  await Promise.all([
    assertFails(['curl', 'ftp://localhost'], 3, 'url'),
    assertFails(['curl', 'http://a%zz@localhost'], 3, 'url'),
    assertFails(['curl', '-O', 'http://localhost/%zz'], 3, 'url'),
    assertFails(['curl', 'http://nowhere.invalid/'], 6, 'server-unreachable'),
    assertFails(['curl', `${origin}/`], 7, 'server-unreachable'),
    assertFails(['curl', `${plain.origin}/`], 56, 'configuration-unavailable'),
  ]);
  const { code, stderr } = await sealwire(['curl', '-s', `${origin}/`]);
  assert.equal([code, stderr], [7, '']);
});

it('what a server answers has the exit code of curl', async () => {
  const { origin } = await startSealedNode(app);
  const out = `${folderWith({})}/out`;
  await Promise.all([
    assertFails(['curl', '-f', '-o', out, `${origin}/status/404`], 22, 'status'),
    assertFails(['curl', '-m', '0.5', `${origin}/hangs`], 28, 'timeout'),
    assertFails(['curl', '-L', `${origin}/away`], 1, 'redirect-refused'),
    assertFails(['curl', '-X', 'CONNECT', `${origin}/`], 56, 'connection'),
  ]);
  assert.not(existsSync(out));
});

it('a server that is not who the pin says, or whose answer was altered, has the exit code of curl', async () => {
  const { origin, port } = await startSealedNode(app);
  const other = (await StaticKeys.generate(['X25519'])).pins[0] as string;
  const altering = await startProxy(
    { port },
    {
      response(returning, { url }) {
        if (url.startsWith('/echo')) returning.body.fill(0, returning.body.length - 1);
      },
    },
  );
  await Promise.all([
    assertFails(['curl', '--identity', other, `${origin}/echo`], 60, 'identity-mismatch'),
    assertFails(['curl', '--suite', 'P-256', `${origin}/echo`], 35, 'no-common-suite'),
    assertFails(['curl', '--connect-to', altering.origin, `${origin}/echo`], 56, 'rejected'),
  ]);
});

it('files that cannot be read or written have the exit code of curl', async () => {
  const { origin } = await startSealedNode(app);
  await Promise.all([
    assertFails(['curl', '-o', `${folderWith({})}/none/out`, `${origin}/echo`], 23, 'write'),
    assertFails(['curl', '-d', '@/nowhere', `${origin}/echo`], 26, 'file'),
    assertFails(['curl', '--cacert', '/nowhere', `${origin}/echo`], 77, 'file'),
  ]);
});

it('a field that is not listed is named with what to do, and its value is not shown', async () => {
  const { origin } = await startSealedNode(app);
  const says = await assertFails(
    ['curl', '-H', 'X-Tenant: a secret', `${origin}/echo`],
    2,
    'field-not-listed',
  );
  assert.match(says, /`x-tenant`.*--outer-fields/);
  assert.not.match(says, 'a secret');
});

it('a field may travel in clear where that is said', async () => {
  const { origin } = await startSealedNode(app);
  const { code, stdout } = await sealwire([
    'curl',
    '-H',
    'X-Tenant: a',
    '--outer-fields',
    'x-tenant,x-b',
    `${origin}/echo`,
  ]);
  assert.is(code, 0);
  assert.match(String(stdout), '["x-tenant","a"]');
});

it('verbose shows both sides of the seal, and nothing secret', async () => {
  const { origin } = await startSealedNode(app);
  const args = ['curl', '-v', '-H', 'X-Api-Key: k', '-d', 'payload', `${origin}/echo?a=b`];
  const { stdout, stderr } = await sealwire(args);
  assert.match(String(stdout), 'payload');
  for (const line of [
    /^> POST \/echo\?a=b HTTP\/1\.1$/m,
    /^> X-Api-Key: k$/m,
    /^> Content-Length: 7$/m,
    /^< HTTP\/1\.1 200 OK$/m,
    /^< x-answer: yes$/m,
    /^\* outside: POST \/\.well-known\S+ \(suite X25519, key [\w-]{43}\), 200, \d+ bytes up, \d+ down$/m,
    /^\* outside: POST \/echo\?a=b, 200, \d+ bytes up, \d+ down$/m,
  ])
    assert.match(stderr, line);
  assert.not.match(stderr, 'payload');
  assert.not.match(stderr, /s=[\w-]{22}/);
});

it('events are written as they arrive, and an end of stdout ends it', async () => {
  const gone = deferred();
  const { origin } = await startSealedNode((_req, res) => {
    res.writeHead(200, { 'content-type': 'text/event-stream' }).write('data: 1\n\n');
    const timer = setInterval(() => res.write('data: 2\n\n'), 50);
    res.on('close', () => {
      clearInterval(timer);
      gone.resolve();
    });
  });
  const { child, ended } = startSealwire(['curl', `${origin}/events`]);
  const [first] = await within(once(child.stdout, 'data'), 'the first event', 15_000);
  assert.match(String(first), 'data: 1');
  child.stdout.destroy();
  const { code, stderr } = await within(ended, 'its end', 10_000);
  assert.is(code, 23, stderr);
  await within(gone.promise, 'close of the response');
});

it('an answer ends it, though there may come more on stdin', async () => {
  const { origin } = await startSealedNode((_req, res) => res.writeHead(413).end('too long'));
  const { ended } = startSealwire(['curl', '-T', '-', `${origin}/`]);
  const { code, stdout } = await within(ended, 'its end', 15_000);
  assert.equal([code, String(stdout)], [0, 'too long']);
});

it('a gateway ends by Ctrl-C, and says what it cannot listen on', async () => {
  const { origin } = await startSealedNode(app);
  const { child, ended, address, line } = await startProxyCommand([`${origin}/`]);
  assert.match(line, `${address} leads sealed to ${origin}\n`);
  assert.is((await fetch(`${address}/echo`)).status, 200);
  const { port } = new URL(address);
  await assertFails(['proxy', '--listen', port, origin], 1, 'listen');
  child.kill('SIGINT');
  const { code, stderr } = await within(ended, 'its end');
  assert.equal([code, stderr], [0, '']);
});

it('who reads no further than a line is no failure, and a full disk is one of one line', async () => {
  const { child, ended } = startSealwire(['--help']);
  child.stdout.destroy();
  const { code, stderr } = await ended;
  assert.equal([code, stderr], [0, '']);
  const full = await run('/bin/sh', [
    '-c',
    '"$@" > /dev/full',
    'sh',
    process.execPath,
    ...sealwireArgs,
    '--help',
  ]);
  assert.is(full.code, 1);
  assert.match(full.stderr, /^sealwire: output: ENOSPC[^\n]+\n$/);
});

test.run();
