// A bounded queue before a sink: floods are counted, what is lost is recorded, key events wait and fail with the sink.
import type { AuditEvent, AuditSink } from '@sealwire/core';
import { isSealwireError } from '@sealwire/core';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { keyEvent, sampleEvent } from '../../../test/support/audit.ts';
import { deferred, it, sleep } from '../../../test/support/cases.ts';
import { until } from '../../../test/support/left-behind.ts';
import { failure } from '../../../test/support/problems.ts';
import { EventList } from '../../../test/support/recorded-events.ts';
import { afterwards } from '../../../test/support/resources.ts';
import { type AuditQueueOptions, auditQueue } from '../src/index.ts';

/** A sink whose flush can be kept waiting, or made to fail. */
class SlowSink extends EventList {
  gate: Promise<void> = Promise.resolve();

  flush(): Promise<void> {
    return this.gate;
  }
}

function queueWith(sink: AuditSink, options?: AuditQueueOptions) {
  const queue = auditQueue(sink, options);
  afterwards(() => queue.close().catch(() => {}));
  return queue;
}

function accepted(): AuditEvent {
  const { kid } = keyEvent() as { kid: string };
  const about = { session: 'A'.repeat(22), kid, client: undefined, suite: 'X25519' as const, duration: 1 };
  return { type: 'handshake.accepted', time: Date.now(), ...about };
}

it('events come to the sink in their order', async () => {
  const sink = new SlowSink();
  const queue = queueWith(sink, { flood: { events: 10_000 } });
  const events = Array.from({ length: 1000 }, (_, number) => sampleEvent(number));
  for (const event of events) queue.record(event);
  await queue.flush();
  assert.equal(sink.take(), events);
});

it('ten thousand equal rejections are a few lines, and one with the count', async () => {
  const sink = new SlowSink();
  const queue = queueWith(sink);
  for (let number = 0; number < 10_000; number++) queue.record(sampleEvent(number));
  // Others are not hidden in the flood.
  queue.record({ ...sampleEvent(0), reason: 'replayed' } as AuditEvent);
  queue.record(accepted());
  await queue.flush();
  const suppressed = sink.of('events.suppressed');
  assert.equal(
    suppressed.map(({ of, reason, count }) => [of, reason, count]),
    [['exchange.rejected', 'rejected', 9980]],
  );
  assert.ok((suppressed[0]?.since ?? 0) <= (suppressed[0]?.time ?? 0));
  assert.is(sink.of('exchange.rejected').length, 21);
  assert.is(sink.of('handshake.accepted').length, 1);
  assert.is(sink.take().length, 23);
});

it('denials that requests bring about are counted, too, for each operation and actor', async () => {
  const sink = new SlowSink();
  const queue = queueWith(sink);
  const denied = { type: 'key.denied', time: Date.now(), kid: undefined, purpose: 'identity' } as const;
  for (let number = 0; number < 1000; number++)
    queue.record({ ...denied, actor: 'server', operation: 'sign' });
  queue.record({ ...denied, actor: 'server', operation: 'export' });
  queue.record({ ...denied, actor: 'operator', operation: 'sign' });
  await queue.flush();
  assert.equal(
    sink.of('events.suppressed').map(({ of, reason, count }) => [of, reason, count]),
    [['key.denied', undefined, 980]],
  );
  assert.is(sink.of('key.denied').length, 22);
  assert.is(sink.take().length, 23);
});

it('the count comes by itself, once in an interval, and then some pass again', async () => {
  const sink = new SlowSink();
  const queue = queueWith(sink, { flood: { events: 2, interval: 50 } });
  for (let number = 0; number < 5; number++) queue.record(sampleEvent(number));
  await until(() => sink.of('events.suppressed').length === 1, 'the count');
  assert.is(sink.of('exchange.rejected').length, 2);
  assert.is(sink.of('events.suppressed')[0]?.count, 3);
  queue.record(sampleEvent(5));
  await queue.flush();
  assert.is(sink.of('exchange.rejected').length, 3);
});

it('a slow sink gets what there is room for, then how many were lost', async () => {
  const sink = new SlowSink();
  const queue = queueWith(sink, { size: 10 });
  const { promise, resolve } = deferred();
  sink.gate = promise;
  for (let number = 0; number < 100; number++) {
    queue.record(accepted());
    await Promise.resolve();
  }
  resolve();
  sink.gate = Promise.resolve();
  await queue.flush();
  const [lost, ...others] = sink.of('events.lost');
  assert.equal(others, []);
  assert.is(lost?.of, 'handshake.accepted');
  assert.is((lost?.count ?? 0) + sink.of('handshake.accepted').length, 100);
  assert.ok((lost?.count ?? 0) >= 80);
  sink.take();
});

it('what stands for many is lost as many', async () => {
  const sink = new SlowSink();
  const queue = queueWith(sink, { size: 1, flood: { events: 1 } });
  const { promise, resolve } = deferred();
  sink.gate = promise;
  queue.record(accepted());
  await sleep(5);
  for (let number = 0; number < 50; number++) queue.record(sampleEvent(number));
  const flushed = queue.flush();
  resolve();
  await flushed;
  const lost = sink.of('events.lost').filter(({ of }) => of === 'exchange.rejected');
  assert.is((lost[0]?.count ?? 0) + sink.of('exchange.rejected').length, 50);
});

it('events of keys wait, however many there are', async () => {
  const sink = new SlowSink();
  const queue = queueWith(sink, { size: 2 });
  const { promise, resolve } = deferred();
  sink.gate = promise;
  for (let number = 0; number < 20; number++) queue.record(keyEvent());
  await sleep(5);
  resolve();
  await queue.flush();
  assert.is(sink.of('key.created').length, 20);
  assert.equal(sink.of('events.lost'), []);
});

it('what waits and what does not is for the operator to say', async () => {
  const sink = new SlowSink();
  const queue = queueWith(sink, {
    size: 1,
    onFull: (type) => (type === 'handshake.accepted' ? 'keep' : 'drop'),
  });
  for (let number = 0; number < 3; number++) queue.record(accepted());
  for (let number = 0; number < 3; number++) queue.record(keyEvent());
  await queue.flush();
  assert.is(sink.of('handshake.accepted').length, 3);
  assert.is(sink.of('events.lost')[0]?.count, 3);
});

it('who waits for the record hears that the sink failed; the event is recorded all the same, once it works', async () => {
  const sink = new SlowSink();
  const queue = queueWith(sink);
  sink.gate = Promise.reject(new Error('the disk is full'));
  sink.gate.catch(() => {});
  queue.record(keyEvent());
  assert.ok(isSealwireError(await failure(queue.flush()), 'audit-failed'));
  queue.record(keyEvent('key.destroyed'));
  sink.gate = Promise.resolve();
  await queue.flush();
  assert.equal(
    sink.take().map(({ type }) => type),
    ['key.created', 'key.destroyed'],
  );
});

it('a sink that does not answer fails who waits, in time', async () => {
  const sink = new SlowSink();
  const queue = queueWith(sink);
  const { promise, resolve } = deferred();
  sink.gate = promise;
  queue.record(keyEvent());
  assert.ok(isSealwireError(await failure(queue.flush()), 'audit-failed'));
  resolve();
});

it('a sink that throws gets the event again, by itself', async () => {
  const sink = new SlowSink();
  let broken = true;
  const throwing: AuditSink = {
    record(event) {
      if (broken) throw new Error('not now');
      sink.record(event);
    },
  };
  const queue = queueWith(throwing);
  for (const type of ['key.created', 'key.destroyed'] as const) queue.record(keyEvent(type));
  assert.ok(isSealwireError(await failure(queue.flush()), 'audit-failed'));
  broken = false;
  await until(() => sink.events.length === 2, 'both events');
  assert.equal(
    sink.take().map(({ type }) => type),
    ['key.created', 'key.destroyed'],
  );
});

it('options that are not valid are refused', () => {
  const sink = new EventList();
  for (const options of [
    { size: 0 },
    { flood: { events: -1 } },
    { flood: { interval: Number.NaN } },
    // Beyond what a timer of Node can wait for, it does not wait at all.
    { flood: { interval: 2 ** 31 } },
    { onFull: 'drop' },
    { sise: 5 },
    { flood: null },
    { flood: { evnts: 5 } },
    null,
  ]) {
    assert.throws(
      () => auditQueue(sink, options as AuditQueueOptions),
      (error: unknown) => isSealwireError(error, 'invalid-option'),
    );
  }
  assert.throws(
    () => auditQueue({} as AuditSink),
    (error: unknown) => isSealwireError(error, 'invalid-option'),
  );
});

test.run();
