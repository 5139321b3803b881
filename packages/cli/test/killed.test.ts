// Whatever process is killed in the middle of a body, the other side hears of an error.
import { once } from 'node:events';
import { createReadStream } from 'node:fs';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { pattern } from '../../../test/support/bytes.ts';
import { Arrivals, it } from '../../../test/support/cases.ts';
import { needing } from '../../../test/support/needs.ts';
import { begin, responseOf, whole } from '../../../test/support/plain-client.ts';
import { failure } from '../../../test/support/problems.ts';
import { startSealedNode } from '../../../test/support/servers.ts';
import { run, sealwireArgs, startProxyCommand, startSealwire } from './support/programs.ts';

const heard = new Arrivals<string>();

/** Says what it hears of a request's body, and sends a body that never ends. */
const server = () =>
  startSealedNode((req, res) => {
    if (req.method === 'GET') {
      res.setHeader('content-length', 10_000_000).write(pattern(100_000));
      return;
    }
    req.on('end', () => heard.push('whole')).on('error', () => heard.push('error'));
    req.once('data', () => heard.push('begun'));
  });

it('a gateway that is killed is an error to the client and to the handler', async () => {
  const { origin } = await server();
  const gateway = await startProxyCommand([origin]);
  const download = begin(gateway.address, '/');
  download.end();
  const response = await responseOf(download);
  const upload = begin(gateway.address, '/', { method: 'POST', headers: { 'content-length': 1_000_000 } });
  const uploading = failure(responseOf(upload));
  upload.write(pattern(200_000));
  assert.is(await heard.next(), 'begun');
  gateway.child.kill('SIGKILL');
  assert.is(((await failure(whole(response))) as NodeJS.ErrnoException).code, 'ECONNRESET');
  assert.instance(await uploading, Error);
  assert.is(await heard.next(), 'error');
});

it('a sealwire curl that is killed while it sends is an error to the handler', async () => {
  const { origin } = await server();
  const { child } = startSealwire(['curl', '-X', 'POST', '-T', '-', `${origin}/`]);
  createReadStream('/dev/zero', { end: 299_999 }).pipe(child.stdin, { end: false });
  // The program has to start first.
  assert.is(await heard.next('the first bytes', 15_000), 'begun');
  child.kill('SIGKILL');
  assert.is(await heard.next(), 'error');
  await once(child, 'close');
});

needing('python3', test)('what is binary is not written to a terminal, unless that is named', async () => {
  const { origin } = await startSealedNode((_req, res) => res.end(Buffer.from([1, 0, 2])));
  const terminal = 'import pty, sys; sys.exit(pty.spawn(sys.argv[1:]) >> 8)';
  const curl = ['-c', terminal, process.execPath, ...sealwireArgs, 'curl', `${origin}/`];
  const refused = await run('python3', curl);
  assert.is(refused.code, 23);
  assert.match(String(refused.stdout), 'sealwire: binary: ');
  assert.is((await run('python3', [...curl, '--output', '-'])).code, 0);
});

test.run();
