// `sealwire curl` does what curl does: the same flags lead to the same bytes, at the server and on stdout.
import { readFileSync } from 'node:fs';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { needing } from '../../../test/support/needs.ts';
import { releaseAll } from '../../../test/support/resources.ts';
import { listen, startSealedNode } from '../../../test/support/servers.ts';
import { app } from './support/app.ts';
import {
  type Ended,
  folderWith,
  type ProgramOptions,
  run,
  sealwire,
  startProxyCommand,
} from './support/programs.ts';

test.after.each(releaseAll);
const withCurl = needing('curl', test);

/** What tells the three apart and nothing else: names are lower case inside the seal, and each has an address. */
function comparable({ code, stdout }: Ended) {
  return {
    code,
    stdout: stdout
      .toString('latin1')
      .replace(/127\.0\.0\.1:\d+/g, 'HOST')
      .replace(/^(?:date|connection|keep-alive|transfer-encoding): .*\r\n/gim, '')
      .replace(/^([\w-]+): (.*\r)$/gm, (_line, name, value) => `${name.toLowerCase()}: ${value}`)
      // Nothing decides on the order of a head.
      .replace(
        /^(HTTP\/1\.1 [^\r]*\r\n)((?:[^\r\n]+\r\n)+)/gm,
        (_head, line, fields) => line + fields.split('\r\n').sort().join('\r\n'),
      ),
  };
}

/** Asserts that curl does the same in plain and through a gateway, and `sealwire curl` the same without one. */
async function assertSame(
  plain: string,
  gateway: string,
  origin: string,
  path: string,
  args: readonly string[],
  options?: ProgramOptions,
) {
  const quiet = ['-q', '-sS', ...args];
  const [direct, through, own] = await Promise.all([
    run('curl', [...quiet, plain + path], options),
    run('curl', [...quiet, gateway + path], options),
    sealwire(['curl', ...args, origin + path], options),
  ]);
  const what = `${args.join(' ')} ${path}\n${own.stderr}`;
  assert.equal(comparable(through), comparable(direct), what);
  assert.equal(comparable(own), comparable(direct), what);
}

const files = {
  'lines.txt': 'a=1\r\n&b=2\n',
  'note.json': '{"a": 1}\n',
  'blob.bin': Buffer.from(Array.from({ length: 256 }, (_, byte) => byte)),
  headers: 'X-Api-Key: k\nAccept: a/b\n',
};

/** Flags, and the path that they are tried at. */
function table(folder: string): [args: string[], path?: string, options?: ProgramOptions][] {
  const file = (name: string) => `${folder}/${name}`;
  return [
    [[]],
    [['-X', 'DELETE']],
    [['-XPATCH', '-dfoo=1', '-d', 'bar=2']],
    [['-H', 'Accept: text/plain', '-H', 'X-Api-Key: a', '-H', 'X-Api-Key: b']],
    [['-H', 'Accept:', '-H', 'X-Csrf-Token;', '-H', `@${file('headers')}`]],
    [['-d', `@${file('lines.txt')}`]],
    [['--data-raw', '@not a file', '--data-ascii', 'x']],
    [['--data-binary', `@${file('lines.txt')}`, '-H', 'Content-Type: text/plain']],
    [['--data-binary', '@-'], '/echo', { stdin: 'from stdin\r\n' }],
    [
      [
        '--data-urlencode',
        'a=b c&d\u00e4',
        '--data-urlencode',
        '=x y',
        '--data-urlencode',
        `n@${file('note.json')}`,
      ],
    ],
    [['--json', '{"a":1}']],
    [['-G', '-d', 'a=1', '--data-urlencode', 'b=c d'], '/echo?z=0'],
    [
      [
        '-F',
        'a=b',
        '-F',
        `f=@${file('note.json')};type=application/json;filename=n.json`,
        '-F',
        `g=<${file('note.json')}`,
      ],
    ],
    [['-F', `f=@${file('blob.bin')}`, '-F', `t=@${file('lines.txt')}`, '--form-string', 's=@x;type=y']],
    [['-i']],
    [['-I']],
    [['-sSi', '-X', 'OPTIONS']],
    [['-T', file('blob.bin')], '/upload/'],
    [['-T', '-'], '/echo', { stdin: 'piped' }],
    [['-T', '/dev/stdin'], '/echo', { stdin: 'piped' }],
    [['-u', 'ann:s e', '-A', '', '-e', 'http://a.test/', '-b', 'a=b; c=d']],
    [['-i'], '/status/404'],
    [['-f'], '/status/404'],
    [['-f'], '/status/200'],
    [['-i'], '/redirect/302'],
    [['-L', '-i', '-d', 'a=1'], '/redirect/301'],
    [['-L', '-d', 'a=1'], '/redirect/307'],
    [['-L', '-d', 'a=1'], '/redirect/303'],
    [['-L', '-X', 'PUT', '-d', 'a=1'], '/redirect/302'],
    [['-L', '--max-redirs', '0'], '/redirect/302'],
    [['--compressed', '-H', 'Accept-Encoding: gzip'], '/gzip'],
    [['-N'], '/binary'],
    [['-m', '1'], '/hangs'],
    [['-m', '9.0001']],
    [[], '/breaks'],
    [['-H', 'Transfer-Encoding: chunked', '-d', 'a=1']],
  ];
}

withCurl('the same flags do the same as with curl', async () => {
  const plain = await listen(app);
  const { origin } = await startSealedNode(app);
  const { address } = await startProxyCommand([origin]);
  for (const [args, path = '/echo', options] of table(folderWith(files)))
    await assertSame(plain.origin, address, origin, path, args, options);
});

withCurl('cookies are kept in a file that both read', async () => {
  const { origin } = await startSealedNode(app);
  const folder = folderWith({});
  const { address } = await startProxyCommand([origin]);
  const jar = `${folder}/jar`;
  assert.is((await sealwire(['curl', '-b', jar, '-c', jar, `${origin}/cookie`])).code, 0);
  assert.match(readFileSync(jar, 'utf8'), '# Netscape HTTP Cookie File\n');
  for (const answer of [
    await sealwire(['curl', '-b', jar, `${origin}/echo`]),
    await run('curl', ['-q', '-s', '-b', jar, `${address}/echo`]),
  ]) {
    const { headers } = JSON.parse(String(answer.stdout));
    const [, cookie] = headers.find(([name]: [string]) => name === 'cookie');
    assert.equal(cookie.split('; ').sort(), ['a=b', 'c=d']);
  }
});

withCurl('of a file with cookies of many hosts each gets its own, and the others stay in it', async () => {
  const { origin } = await startSealedNode(app);
  const { address } = await startProxyCommand([origin]);
  const lines = [
    'other.test\tFALSE\t/\tFALSE\t0\tnot\there',
    '127.0.0.1\tFALSE\t/\tFALSE\t0\ta\tb',
    '#HttpOnly_.0.1\tTRUE\t/\tFALSE\t0\tnot\there either',
  ];
  const jar = `${folderWith({ jar: `${lines.join('\n')}\n` })}/jar`;
  for (const answer of [
    await sealwire(['curl', '-b', jar, '-c', `${jar}-kept`, `${origin}/echo`]),
    await run('curl', ['-q', '-s', '-b', jar, `${address}/echo`]),
  ]) {
    const { headers } = JSON.parse(String(answer.stdout));
    assert.is(Object.fromEntries(headers).cookie, 'a=b');
  }
  assert.match(readFileSync(`${jar}-kept`, 'utf8'), lines[0] as string);
});

test.run();
