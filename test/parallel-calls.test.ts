// Any number of calls at once: however far one of them falls behind, the server can tell it from all the others.
import { parseSealwireHeader } from '@sealwire/core';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { deferred, it, within } from './support/cases.ts';
import { clientOf, recordingFetch } from './support/clients.ts';
import { startSealedNode } from './support/servers.ts';

for (const ready of [false, true]) {
  it(`1,500 POSTs at once, the first of them late${ready ? ', in a session that is there' : ''}`, async () => {
    const ran = new Map<string, number>();
    const server = await startSealedNode((req, res) => {
      let body = '';
      req.on('data', (chunk) => {
        body += chunk;
      });
      req.on('end', () => {
        ran.set(body, (ran.get(body) ?? 0) + 1);
        res.end(body);
      });
    });
    const others = deferred();
    let held = false;
    const distances: number[] = [];
    const network = recordingFetch({
      async request(url, init) {
        if (url.includes('/.well-known/')) return undefined;
        const header = new Headers(init.headers).get('sealwire') as string;
        const { n } = parseSealwireHeader(header);
        distances.push(n);
        if (n !== 0 || held) return undefined;
        held = true;
        await others.promise;
        return undefined;
      },
    });
    const sealedFetch = clientOf(server, { fetch: network });
    if (ready) await sealedFetch.ready();
    let open = 1500;
    const calls = Array.from({ length: 1500 }, async (_, i) => {
      const response = await sealedFetch('/', { method: 'POST', body: `${i}` });
      const text = await response.text();
      if (--open === 1) others.resolve();
      return [response.status, text];
    });
    const answers = await within(Promise.all(calls), 'all calls', 25_000);
    assert.equal(
      answers,
      answers.map((_, i) => [200, `${i}`]),
    );
    assert.is(ran.size, 1500);
    assert.ok([...ran.values()].every((times) => times === 1));
    assert.ok(Math.max(...distances) < 1024);
    assert.is(network.handshakes, 2);
  });
}

test.run();
