// A client key in a file: made once, encrypted, and refused where it cannot be trusted.
import { spawnSync } from 'node:child_process';
import { createPublicKey, verify } from 'node:crypto';
import { chmodSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { clientKeyFile } from '@sealwire/client/node';
import { thumbprint } from '@sealwire/core';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { it } from '../../../test/support/cases.ts';
import { clientOf } from '../../../test/support/clients.ts';
import { temporaryFolder } from '../../../test/support/folders.ts';
import { itNeeding } from '../../../test/support/it-needing.ts';
import { thrown } from '../../../test/support/problems.ts';
import { isSecret } from '../../../test/support/recording.ts';
import { startSealedNode } from '../../../test/support/servers.ts';
import { everythingShown } from '../../core/test/support/leaks.ts';

const passphrase = 'correct horse battery staple, of course';
isSecret(passphrase);

function newPath(): string {
  return join(temporaryFolder(), 'client.key');
}

it('the key is made once, and is the same one afterwards', async () => {
  const path = newPath();
  const made = await clientKeyFile(path, { passphrase });
  const read = await clientKeyFile(path, { passphrase });
  assert.is(made.alg, 'Ed25519');
  assert.is(made.thumbprint, await thumbprint('Ed25519', made.pub));
  assert.is(read.thumbprint, made.thumbprint);
  const data = Buffer.from('data');
  const jwk = { kty: 'OKP', crv: 'Ed25519', x: Buffer.from(made.pub).toString('base64url') };
  const pub = createPublicKey({ key: jwk, format: 'jwk' });
  for (const key of [made, read]) assert.ok(verify(null, data, pub, await key.sign(data)));
  assert.is(statSync(path).mode & 0o777, 0o600);
  // Nothing is left beside it.
  assert.equal(readdirSync(join(path, '..')), ['client.key']);
});

it('a server knows the client by it', async () => {
  const clientKey = await clientKeyFile(newPath(), { passphrase });
  const server = await startSealedNode(
    (req, res) => res.end((req as { sealed?: { client?: string } }).sealed?.client),
    {
      allowClients: [clientKey.thumbprint],
    },
  );
  assert.is(await (await clientOf(server, { clientKey })('/')).text(), clientKey.thumbprint);
});

it('several processes that ask at once get one key', async () => {
  const path = newPath();
  const made = await Promise.all(Array.from({ length: 3 }, () => clientKeyFile(path, { passphrase })));
  assert.is(new Set(made.map((key) => key.thumbprint)).size, 1);
  assert.is((await clientKeyFile(path, { passphrase })).thumbprint, made[0]?.thumbprint);
  assert.equal(readdirSync(join(path, '..')), ['client.key']);
});

itNeeding('openssl')(
  'OpenSSL reads the file, with the passphrase only, and it holds the same key',
  async () => {
    const path = newPath();
    const key = await clientKeyFile(path, { passphrase });
    const openssl = (pass: string, ...more: string[]) =>
      spawnSync('openssl', ['pkey', '-in', path, '-passin', `pass:${pass}`, '-outform', 'DER', ...more]);
    // The seed stands at its end.
    isSecret(openssl(passphrase).stdout.subarray(-32));
    const { status, stdout, stderr } = openssl(passphrase, '-pubout');
    assert.is(status, 0, stderr.toString());
    assert.equal(stdout.subarray(-32), Buffer.from(key.pub));
    assert.is.not(openssl('wrong').status, 0);
  },
);

it('no two files are alike, even of one passphrase', async () => {
  const files = [newPath(), newPath()];
  for (const path of files) await clientKeyFile(path, { passphrase });
  const [first, second] = files.map((path) => readFileSync(path, 'utf8').split('\n').slice(1));
  assert.is.not(first?.[2], second?.[2]);
});

it('another passphrase opens nothing', async () => {
  const path = newPath();
  await clientKeyFile(path, { passphrase });
  for (const wrong of ['wrong', `${passphrase} `]) {
    const error = await thrown(clientKeyFile(path, { passphrase: wrong }), 'client-key-unavailable');
    assert.match(error.message, 'the passphrase is not that of its key');
    assert.not.match(error.message, wrong);
  }
  await thrown(clientKeyFile(path, undefined as never), 'invalid-option');
  for (const none of ['', undefined]) {
    await thrown(clientKeyFile(path, { passphrase: none as string }), 'invalid-option');
    await thrown(clientKeyFile(newPath(), { passphrase: none as string }), 'invalid-option');
  }
});

it('a file that others may read is refused, and says what to do', async () => {
  const path = newPath();
  await clientKeyFile(path, { passphrase });
  for (const mode of [0o640, 0o604, 0o620, 0o601]) {
    chmodSync(path, mode);
    const error = await thrown(clientKeyFile(path, { passphrase }), 'client-key-unavailable');
    assert.match(error.message, 'chmod 600');
  }
  chmodSync(path, 0o600);
  await clientKeyFile(path, { passphrase });
});

/** The file with another byte at this place of its DER; the last 64 are the encrypted key. */
function withByteChanged(file: string, at: number): string {
  const [title, begin, ...lines] = file.trimEnd().split('\n');
  const end = lines.pop();
  const der = Buffer.from(lines.join(''), 'base64');
  der[der.length + at] = (der.at(at) as number) ^ 1;
  return `${[title, begin, der.toString('base64'), end].join('\n')}\n`;
}

it('a file that was damaged, cut short or put together from two is refused', async () => {
  const [path, otherPath] = [newPath(), newPath()];
  await clientKeyFile(path, { passphrase });
  await clientKeyFile(otherPath, { passphrase });
  const [whole, other] = [path, otherPath].map((each) => readFileSync(each, 'utf8')) as [string, string];
  const withTitleOf = (title: string, rest: string) => title.split('\n')[0] + rest.slice(rest.indexOf('\n'));
  for (const [content, complaint] of [
    ['', /is no file of clientKeyFile/],
    ['{}', /is no file of clientKeyFile/],
    [whole.slice(whole.indexOf('\n') + 1), /is no file of clientKeyFile/],
    [whole.slice(0, -80), /is damaged/],
    [whole.slice(0, whole.indexOf('\n') + 1), /is damaged/],
    [withByteChanged(whole, -60), /is damaged/],
    [withTitleOf(whole, other), /another key than it says/],
  ] as const) {
    writeFileSync(path, content);
    const error = await thrown(clientKeyFile(path, { passphrase }), 'client-key-unavailable');
    assert.match(error.message, complaint);
    assert.match(error.message, path);
  }
  writeFileSync(path, whole);
  await clientKeyFile(path, { passphrase });
});

it('what is no file is refused, and not waited for', async () => {
  const path = newPath();
  spawnSync('mkfifo', ['-m', '600', path]);
  for (const wrong of [join(path, '..'), path]) {
    const error = await thrown(clientKeyFile(wrong, { passphrase }), 'client-key-unavailable');
    assert.match(error.message, `${wrong} is no file`);
  }
});

it('a place where there can be no file is named, with the cause', async () => {
  const path = newPath();
  const below = join(path, 'below', 'client.key');
  const error = await thrown(clientKeyFile(below, { passphrase }), 'client-key-unavailable');
  assert.match(error.message, below);
  assert.ok((error.cause as NodeJS.ErrnoException).code);
  // A link that leads to the file is as good as the file.
  await clientKeyFile(path, { passphrase });
  symlinkSync(path, `${path}.link`);
  await clientKeyFile(`${path}.link`, { passphrase });
});

itNeeding('openssl')('no secret of it is seen on the object or in the file', async () => {
  const path = newPath();
  const key = await clientKeyFile(path, { passphrase });
  const { stdout } = spawnSync('openssl', [
    'pkey',
    '-in',
    path,
    '-passin',
    `pass:${passphrase}`,
    '-outform',
    'DER',
  ]);
  const seed = stdout.subarray(-32);
  assert.is(seed.length, 32);
  const shown = everythingShown(key) + readFileSync(path, 'latin1');
  for (const spelling of [seed.toString('hex'), seed.toString('base64').slice(0, 42), [...seed].join(', ')])
    assert.not.match(shown, spelling);
});

test.run();
