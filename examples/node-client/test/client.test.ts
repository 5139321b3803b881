// The script as a user runs it, against the notes app as a user runs that.
import { createSealedFetch } from '@sealwire/client';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { it, within } from '../../../test/support/cases.ts';
import { listen, pin as otherPin } from '../../../test/support/servers.ts';
import {
  type RunningServer,
  runCommand,
  startServer as start,
} from '../../notes-shared/test/support/command.ts';

const script = new URL('../client.mjs', import.meta.url);
const server = new URL('../../express-notes/server.mjs', import.meta.url);
const startServer = (args: readonly string[] = []) => start(server, args);

async function runClient(args: readonly string[], env: Record<string, string> = {}) {
  const command = runCommand(script, args, { SEALWIRE_PIN: '', ...env });
  const code = await within(command.ended, 'the end of the client', 15_000);
  return { code, ...command.output };
}

/** Asserts that it did everything and left nothing behind. */
async function assertWorks(server: RunningServer, args: readonly string[], env = {}): Promise<string> {
  const { code, stdout, stderr } = await runClient(args, env);
  assert.is(stderr, '');
  assert.is(code, 0);
  const lines = stdout.split('\n').map((line) => line.replace(/ +/g, ' ').trim());
  const [, id] = /POST \/notes\/(\d+)\/files/.exec(stdout) ?? [];
  const inOrder = [
    `server ${server.origin}`,
    'GET /feed 200',
    'POST /notes 201',
    `event created note ${id}`,
    'GET /notes 200',
    `POST /notes/${id}/files 201`,
    `event changed note ${id}: budget.csv, 22 bytes`,
    `DELETE /notes/${id} 204`,
    `event deleted note ${id}: budget.csv, 22 bytes`,
  ];
  assert.equal(
    lines.filter((line) => inOrder.includes(line)),
    inOrder,
  );
  return stdout;
}

it('with the pin from an argument it does everything and ends', async () => {
  const server = await startServer();
  assert.match(await assertWorks(server, [server.origin, server.pin]), server.pin);
});

it('with the pin from the environment it does everything and ends', async () => {
  const server = await startServer();
  assert.match(await assertWorks(server, [`${server.origin}/`], { SEALWIRE_PIN: server.pin }), server.pin);
});

it('without a pin it works and says whom it believes', async () => {
  const server = await startServer();
  assert.match(await assertWorks(server, [server.origin]), 'none: whoever answers is believed');
});

it('with a wrong pin it says so in a line and sends nothing', async () => {
  const server = await startServer();
  const { code, stdout, stderr } = await runClient([server.origin, otherPin]);
  assert.is(code, 1);
  assert.is(
    stderr,
    `${server.origin} is not the server that the pin names. Take the pin that it printed when it started.\n`,
  );
  assert.not.match(stdout, 'GET');
});

it('where no server is, or another one, it says so in a line', async () => {
  const other = await listen((_req, res) => void res.writeHead(404).end('nothing here'));
  const elsewhere = await runClient([other.origin]);
  assert.is(elsewhere.code, 1);
  assert.match(elsewhere.stderr, /^The server does not offer a key configuration\..*\n$/);

  await other.close();
  const nowhere = await runClient([other.origin]);
  assert.is(nowhere.code, 1);
  assert.is(nowhere.stderr, `Nothing answers at ${other.origin}. Start the notes app first: npm start\n`);
});

it('an argument that is neither URL nor pin is said with the usage', async () => {
  for (const args of [['localhost:3000'], ['http://'], ['--help'], ['http://a', 'http://b']]) {
    const { code, stderr } = await runClient(args);
    assert.is(code, 1, args.join(' '));
    assert.match(stderr, /^.*Usage: node client\.mjs .*\n$/);
  }
});

it('what the app refuses ends it, although the feed is open', async () => {
  const server = await startServer();
  const sealedFetch = createSealedFetch({ origin: server.origin, identity: server.pin });
  const headers = { 'content-type': 'application/json' };
  for (let i = 0; i < 99; i++) {
    const response = await sealedFetch('/notes', { method: 'POST', headers, body: '{"text":"full"}' });
    assert.is(response.status, 201);
    await response.text();
  }
  const { code, stderr } = await runClient([server.origin, server.pin]);
  assert.is(code, 1);
  assert.is(stderr, 'There are 100 notes: delete one first.\n');
});

test.run();
