// The command as a user runs it: what it prints, the port it takes, and how it ends.
import { once } from 'node:events';
import { get } from 'node:https';
import { connect } from 'node:tls';
import { createSealedFetch } from '@sealwire/client';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { it, within } from '../../../../test/support/cases.ts';
import { startChromium } from '../../../../test/support/chromium.ts';
import { needing } from '../../../../test/support/needs.ts';
import { afterwards } from '../../../../test/support/resources.ts';
import { listen } from '../../../../test/support/servers.ts';
import { failToStart as fail, type RunningServer, startServer as start, temporaryKeys } from './command.ts';

async function freePort(): Promise<number> {
  const { port, close } = await listen();
  await close();
  return port;
}

function sealedFetchOf({ origin, pin }: RunningServer) {
  return createSealedFetch({ origin, identity: pin });
}

const inChromium = needing('chromium', test);

/** What the command of every app does; `tlsProtocol` is the one that browsers get with `--tls`, by its name in ALPN. */
export function testCommand(script: URL, tlsProtocol: 'h2' | 'http/1.1'): void {
  const startServer = (args: readonly string[] = [], env: Record<string, string> = {}) =>
    start(script, args, env);
  const failToStart = (args: readonly string[], env: Record<string, string>) => fail(script, args, env);

  it('it prints the URL and the pin that it answers with, and nothing else', async () => {
    const server = await startServer();
    assert.match(server.origin, /^http:\/\/localhost:\d+$/);
    const page = await (await fetch(server.origin)).text();
    assert.match(page, server.pin);
    const notes = await (await sealedFetchOf(server)('/notes')).json();
    assert.is(notes.length, 1);
    assert.is(server.output.stdout.trim().split('\n').length, 5);
    assert.is(server.output.stderr, '');
  });

  it('its keys survive a restart, so no client has to learn another pin', async () => {
    const env = { SEALWIRE_KEYS_DIR: temporaryKeys(), PORT: String(await freePort()) };
    const first = await startServer([], env);
    const sealedFetch = sealedFetchOf(first);
    await (await sealedFetch('/notes')).json();
    first.process.kill('SIGTERM');
    await within(first.ended, 'the end of the server');
    const second = await startServer([], env);
    assert.is(second.pin, first.pin);
    assert.is((await (await sealedFetch('/notes')).json()).length, 1);
  });

  it('it takes the port that PORT says', async () => {
    const port = await freePort();
    const server = await startServer([], { PORT: String(port) });
    assert.is(server.port, port);
    await sealedFetchOf(server).ready();
  });

  it('a port that is taken, or is none, is said in a line', async () => {
    const { port } = await listen();
    const taken = await failToStart([], { PORT: String(port) });
    assert.is(taken.code, 1);
    assert.is(
      taken.stderr,
      `Port ${port} is taken by another program. End that, or choose another port: PORT=3000\n`,
    );
    const none = await failToStart([], { PORT: '70000' });
    assert.is(none.code, 1);
    assert.is(none.stderr, 'PORT is "70000"; a port is a number from 0 to 65535.\n');
    assert.is(none.stdout, '');
  });

  it('an argument that it does not know is said with those that it does', async () => {
    const { code, stderr } = await failToStart(['--https'], { PORT: '0' });
    assert.is(code, 1);
    assert.match(stderr, '--tls');
  });

  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    it(`${signal} ends it at once and cleanly, also while a feed is open`, async () => {
      const server = await startServer();
      const sealedFetch = sealedFetchOf(server);
      const feed = await sealedFetch('/feed');
      const reader = (feed.body as ReadableStream<Uint8Array>).getReader();
      const pending = reader.read().catch((error: unknown) => error);
      server.process.kill(signal);
      assert.is(await within(server.ended, 'the end of the server'), 0);
      assert.is(server.output.stderr, '');
      // For the reader it is no end of the feed, but a feed that was cut off.
      assert.instance(await pending, Error);
    });
  }

  it(`--tls serves HTTPS, by HTTP/1.1 and to who can more by ${tlsProtocol}`, async () => {
    const server = await startServer(['--tls']);
    assert.match(server.origin, /^https:\/\/localhost:\d+$/);
    assert.match(server.output.stdout, 'cert.pem');
    const status = new Promise<number | undefined>((resolve, reject) => {
      get(server.origin, { rejectUnauthorized: false, agent: false }, (response) => {
        response.resume().on('end', () => resolve(response.statusCode));
      }).on('error', reject);
    });
    assert.is(await status, 200);

    const ALPNProtocols = ['h2', 'http/1.1'];
    const socket = connect({ port: server.port, rejectUnauthorized: false, ALPNProtocols });
    afterwards(() => socket.destroy());
    await once(socket, 'secureConnect');
    assert.is(socket.alpnProtocol, tlsProtocol);
  });

  inChromium(`with --tls the page works, all of it over ${tlsProtocol}`, async () => {
    const server = await startServer(['--tls']);
    // Nobody but the server itself has signed its certificate.
    const tab = await (await startChromium(['--ignore-certificate-errors'])).open(server.origin);
    await tab.until("document.querySelector('#live.on')");
    await tab.evaluate("document.querySelector('#text').focus()");
    await tab.type('over TLS');
    await tab.press('Enter');
    await tab.until("document.querySelector('.note-text')?.textContent === 'over TLS'");
    const entries = `[...performance.getEntriesByType('navigation'), ...performance.getEntriesByType('resource')]`;
    const used = (await tab.evaluate(
      `${entries}.map((each) => [new URL(each.name).pathname, each.nextHopProtocol])`,
    )) as [string, string][];
    for (const path of ['/', '/.well-known/sealwire/handshake', '/notes']) {
      assert.equal(new Map(used).get(path), tlsProtocol, path);
    }
    assert.equal(new Set(used.map(([, protocol]) => protocol)), new Set([tlsProtocol]));
    assert.equal(tab.complaints, []);
  });
}
