// Events in loggers, OpenTelemetry and functions; the schema of all types.
import { Writable } from 'node:stream';
import { type Attributes, type Counter, type Meter, type Span, trace } from '@opentelemetry/api';
import { type AuditEvent, type AuditEventType, encodeBase64Url, isSealwireError } from '@sealwire/core';
import { pino } from 'pino';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { keyEvent, sampleEvent } from '../../../test/support/audit.ts';
import { deferred, it } from '../../../test/support/cases.ts';
import { failure } from '../../../test/support/problems.ts';
import { assertValid } from '../../../test/support/recorded-events.ts';
import { afterwards } from '../../../test/support/resources.ts';
import { Ajv } from '../../core/test/support/ajv.ts';
import { auditEventSchema, callbackSink, loggerSink } from '../src/index.ts';
import { otelSink } from '../src/otel.ts';

const kid = encodeBase64Url(new Uint8Array(32));
const session = encodeBase64Url(new Uint8Array(16));
const time = Date.now();
const aboutSession = { session, kid, client: kid };
const aboutKey = { kid, purpose: 'store-wrap', actor: 'web-1' } as const;

/** One event of each type. */
const examples: { [Type in AuditEventType]: Extract<AuditEvent, { type: Type }> } = {
  'handshake.accepted': { type: 'handshake.accepted', time, ...aboutSession, suite: 'X25519', duration: 3 },
  'handshake.rejected': {
    type: 'handshake.rejected',
    time,
    reason: 'unavailable',
    kid,
    client: kid,
    cause: 'AccessDeniedException',
    duration: 3,
  },
  'session.created': { type: 'session.created', time, ...aboutSession, suite: 'P-256', expires: time },
  'session.ended': { type: 'session.ended', time, ...aboutSession, reason: 'client-revoked', count: 2 },
  'exchange.rejected': {
    type: 'exchange.rejected',
    time,
    ...aboutSession,
    reason: 'replayed',
    bytes: 9,
    duration: 3,
  },
  'key.created': { type: 'key.created', time, ...aboutKey },
  'key.promoted': { type: 'key.promoted', time, ...aboutKey },
  'key.retired': { type: 'key.retired', time, ...aboutKey },
  'key.disabled': { type: 'key.disabled', time, ...aboutKey, reason: 'emergency' },
  'key.destroyed': { type: 'key.destroyed', time, ...aboutKey },
  'key.exported': { type: 'key.exported', time, ...aboutKey },
  'key.denied': { type: 'key.denied', time, ...aboutKey, operation: 'unwrap' },
  'events.suppressed': {
    type: 'events.suppressed',
    time,
    of: 'exchange.rejected',
    reason: 'rejected',
    count: 7,
    since: time,
  },
  'events.lost': { type: 'events.lost', time, of: 'handshake.accepted', count: 7, since: time },
};

it('every event fits its schema with the members that it has, and no other', () => {
  const fits = new Ajv({ strict: true }).compile(auditEventSchema);
  for (const event of Object.values(examples)) {
    assertValid(event);
    assert.not.ok(fits({ ...event, path: '/orders' }), event.type);
    assert.not.ok(fits({ ...event, type: `${event.type}s` }), event.type);
    assert.not.ok(fits({ ...event, time: 'now' }), event.type);
    for (const [name, value] of Object.entries(event)) {
      // Nothing takes free text, but the name under which a process acts.
      if (name !== 'actor')
        assert.not.ok(fits({ ...event, [name]: `${value}, a text` }), `${event.type} ${name}`);
    }
  }
  for (const name of ['client', 'session', 'kid'] as const)
    assertValid({ ...examples['exchange.rejected'], [name]: undefined });
  assert.not.ok(fits({ ...examples['session.created'], kid: undefined }));
});

it('pino logs events, those that warn as warnings, with its own time beside', () => {
  const lines: Record<string, unknown>[] = [];
  const stream = new Writable({
    write(chunk, _encoding, done) {
      lines.push(JSON.parse(String(chunk)));
      done();
    },
  });
  const sink = loggerSink(pino(stream));
  for (const event of Object.values(examples)) sink.record(event);
  assert.equal(
    lines.map(({ msg, audit }) => [msg, audit]),
    Object.values(examples).map((event) => [event.type, event]),
  );
  assert.equal(
    lines.filter(({ level }) => level === 40).map(({ msg }) => msg),
    [
      'handshake.rejected',
      'exchange.rejected',
      'key.disabled',
      'key.denied',
      'events.suppressed',
      'events.lost',
    ],
  );
});

/** A meter that remembers what its counters counted. */
function recordingMeter() {
  const added: [string, number, Attributes | undefined][] = [];
  const createCounter = (name: string) => ({
    add: (...args: [number, Attributes]) => added.push([name, ...args]),
  });
  return {
    added,
    meter: { createCounter } as unknown as Meter satisfies { createCounter(name: string): Counter },
  };
}

it('OpenTelemetry counts events by type and reason, those that stand for many as many', () => {
  const { added, meter } = recordingMeter();
  const sink = otelSink({ meter });
  for (const type of ['handshake.accepted', 'exchange.rejected', 'events.suppressed', 'events.lost'] as const)
    sink.record(examples[type]);
  const name = 'sealwire.audit.events';
  assert.equal(added, [
    [name, 1, { type: 'handshake.accepted' }],
    [name, 1, { type: 'exchange.rejected', reason: 'replayed' }],
    [name, 7, { type: 'exchange.rejected', reason: 'rejected' }],
    [name, 7, { type: 'handshake.accepted' }],
  ]);
});

it('the span of the request has the event, if there is one', () => {
  const events: unknown[][] = [];
  const span = { addEvent: (...args: unknown[]) => events.push(args) } as unknown as Span;
  const { getActiveSpan } = trace;
  afterwards(() => {
    trace.getActiveSpan = getActiveSpan;
  });
  const { meter } = recordingMeter();
  const sink = otelSink({ meter });
  sink.record(examples['exchange.rejected']);
  trace.getActiveSpan = () => span;
  sink.record({ ...examples['exchange.rejected'], session: undefined });
  assert.equal(events, [
    [
      'sealwire.exchange.rejected',
      {
        'sealwire.kid': kid,
        'sealwire.client': kid,
        'sealwire.reason': 'replayed',
        'sealwire.bytes': 9,
        'sealwire.duration': 3,
      },
      time,
    ],
  ]);
  // Without a provider nothing happens.
  otelSink().record(examples['key.created']);
});

it('a function gets every event, and who flushes waits for what it promised', async () => {
  const given: AuditEvent[] = [];
  const gate = deferred();
  const sink = callbackSink(async (event) => {
    await gate.promise;
    given.push(event);
  });
  sink.record(keyEvent());
  const flushed = sink.flush();
  assert.equal(given, []);
  gate.resolve();
  await flushed;
  assert.is(given.length, 1);
});

it('a function that returns something else than a promise is done with the event', async () => {
  const given: AuditEvent[] = [];
  const sink = callbackSink((event) => given.push(event));
  sink.record(keyEvent());
  await sink.flush();
  assert.is(given.length, 1);
});

it('what is no logger and no function is refused', () => {
  for (const make of [
    () => loggerSink(undefined as never),
    () => loggerSink({ info() {} } as never),
    () => callbackSink({} as never),
  ])
    assert.throws(make, (error: unknown) => isSealwireError(error, 'invalid-option'));
});

it('a function that fails fails who flushes, once', async () => {
  for (const fail of [
    () => {
      throw new Error('away');
    },
    () => Promise.reject(new Error('away')),
  ]) {
    const sink = callbackSink(fail);
    sink.record(sampleEvent(0));
    assert.match(String(await failure(sink.flush())), 'away');
    await sink.flush();
  }
});

test.run();
