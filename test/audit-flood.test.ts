// Ten thousand refused handshakes are a few lines in the log, and the right count.

import { auditQueue, verifyAuditLog } from '@sealwire/audit';
import { defaultHandshakePath, handshakeType } from '@sealwire/core';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { eventsOf, logKey, logPath, openLog } from './support/audit.ts';
import { it } from './support/cases.ts';
import { RawConnection } from './support/raw-http.ts';
import { assertValid } from './support/recorded-events.ts';
import { startSealedNode } from './support/servers.ts';
import { WireClient } from './support/wire-client.ts';

const size = 10_000;
const ahead = 100;

it('a flood of refused handshakes is counted, and does not hide others', async () => {
  const path = logPath();
  const audit = auditQueue(await openLog(path));
  const server = await startSealedNode((_req, res) => res.end(), { audit });
  const body = '{"v":1}';
  const head = `POST ${defaultHandshakePath} HTTP/1.1\r\nHost: x\r\nContent-Type: ${handshakeType}\r\n`;
  const request = `${head}Content-Length: ${body.length}\r\n\r\n${body}`;
  const connection = await RawConnection.open(server.port);
  for (let sent = 0; sent < size; sent += ahead) {
    await connection.write(request.repeat(ahead));
    for (let answer = 0; answer < ahead; answer++) assert.is((await connection.response()).status, 400);
    if (sent === size / 2) await WireClient.connect(server);
  }
  connection.socket.destroy();
  await audit.close();
  const events = eventsOf(path);
  for (const event of events) assertValid(event);
  const rejected = events.filter(({ type }) => type === 'handshake.rejected').length;
  const suppressed = events.flatMap((event) => (event.type === 'events.suppressed' ? [event] : []));
  for (const { of, reason } of suppressed) assert.equal([of, reason], ['handshake.rejected', 'malformed']);
  assert.is(
    suppressed.reduce((sum, { count }) => sum + count, rejected),
    size,
  );
  assert.ok(events.length < 150, `${events.length} lines`);
  assert.equal(
    events.map(({ type }) => type).filter((type) => /accepted|created/.test(type)),
    ['handshake.accepted', 'session.created'],
  );
  assert.ok((await verifyAuditLog([path], { key: logKey })).sound);
});

test.run();
