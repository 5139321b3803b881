// Verifying first must not be noticed: whether a length is declared or not, and when both sides speak at once.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { flipped, pattern } from '../../../test/support/bytes.ts';
import { it, within } from '../../../test/support/cases.ts';
import { assertSealedProblem } from '../../../test/support/problems.ts';
import { RawConnection } from '../../../test/support/raw-http.ts';
import { startSealedNode } from '../../../test/support/servers.ts';
import { type Sending, WireClient, type WireRequest } from '../../../test/support/wire-client.ts';
import { recordEdges } from '../../../test/support/wire-message.ts';

/** A server that sends every piece of a body back as it comes, and counts who reached it and who read to the end. */
async function startEcho() {
  const counts = { begun: 0, complete: 0 };
  const server = await startSealedNode((req, res) => {
    counts.begun++;
    res.flushHeaders();
    req.on('data', (chunk) => res.write(chunk));
    req.on('end', () => {
      counts.complete++;
      res.end();
    });
    req.on('error', () => res.destroy());
  });
  return { server, counts, wire: await WireClient.connect(server) };
}

const crlf = Buffer.from('\r\n');

/** Lengths as the head declares them, and as the framing outside does. */
const lengths: [string, Partial<WireRequest>, Sending][] = [
  ['a known length', {}, {}],
  ['a length known inside only', {}, { framing: 'chunked' }],
  ['a length known outside only', { length: false }, {}],
  ['an unknown length', { length: false }, { framing: 'chunked' }],
];

for (const [name, about, sending] of lengths) {
  it(`a small body of ${name} is verified before its handler, a longer one as it is read`, async () => {
    const { counts, wire } = await startEcho();
    for (const [size, held] of [
      [10, true],
      [60_000, true],
      [65_536, true],
      [150_000, false],
      [200_000, false],
    ] as const) {
      counts.begun = 0;
      counts.complete = 0;
      // Of an unknown length more comes before the last record that it cannot be held.
      const shares = held ? [5, 4] : [5, 60_000, 6_000];
      const request = { ...about, path: '/', body: pattern(size), shares };
      const whole = await wire.exchange(request, sending);
      assert.is(whole.body.compare(pattern(size)), 0, `${size}`);
      assert.equal(counts, { begun: 1, complete: 1 });
      // The last byte is damaged: it is the only one that was.
      const message = await wire.seal(request);
      const damaged = flipped(message.message, message.message.length * 8 - 1);
      const answer = await wire.send({ ...message, message: damaged }, sending);
      if (held) {
        assertSealedProblem(await wire.open(message, answer), 'rejected');
        assert.equal(counts, { begun: 1, complete: 1 }, `${size}`);
      } else {
        assert.not.ok(answer.complete && (await wire.open(message, answer)).complete);
        assert.equal(counts, { begun: 2, complete: 1 }, `${size}`);
      }
    }
  });

  it(`both sides speak in turn over a body of ${name}`, async () => {
    const { counts, wire } = await startEcho();
    const turns = ['one', 'two', 'three', 'four'];
    const message = await wire.seal({
      ...about,
      path: '/',
      body: turns.join(''),
      shares: turns.map((turn) => turn.length),
    });
    const edges = [0, ...recordEdges(message.message).slice(1)];
    const connection = await RawConnection.open(wire.port);
    await wire.sendHead(message, { ...sending, connection });
    const opener = wire.opener(message);
    let body: ReturnType<RawConnection['body']> | undefined;
    for (const [i, turn] of turns.entries()) {
      const part = message.message.subarray(edges[i], edges[i + 1]);
      if (sending.framing !== 'chunked') await connection.write(part);
      else
        await connection.write(Buffer.concat([Buffer.from(`${part.length.toString(16)}\r\n`), part, crlf]));
      body ??= connection.body(await within(connection.responseHead(), 'the head'));
      let heard = '';
      while (heard.length < turn.length) {
        const bytes = await within(body.next(), `the answer to ${turn}`);
        if (bytes === undefined) throw new Error('the answer ended');
        heard += (await opener.push(bytes)).toString();
      }
      assert.is(heard, turn);
    }
    if (sending.framing === 'chunked') await connection.write('0\r\n\r\n');
    for (let bytes = await body?.next(); bytes !== undefined; bytes = await body?.next())
      await opener.push(bytes);
    assert.ok(opener.opened.complete);
    assert.equal(counts, { begun: 1, complete: 1 });
  });
}

test.run();
