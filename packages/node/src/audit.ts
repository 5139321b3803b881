import { createHash } from 'node:crypto';
import {
  type AuditEvent,
  type AuditEvents,
  type AuditEventType,
  type AuditSink,
  type ErrorCode,
  type HandshakeNotes,
  isSealwireError,
  SealwireError,
  type Session,
} from '@sealwire/core';

/** Puts an event on record, with the server's time. Never throws. */
export type Recorder = <Type extends AuditEventType>(type: Type, about: AuditEvents[Type]) => void;

/**
 * What gives events to every sink; undefined without any.
 * @throws SealwireError `invalid-option`
 */
export function resolveAudit(
  audit: AuditSink | readonly AuditSink[] | undefined,
  now: () => number,
): Recorder | undefined {
  if (audit === undefined) return undefined;
  const sinks: readonly AuditSink[] = Array.isArray(audit) ? audit : [audit];
  for (const sink of sinks) {
    if (typeof sink?.record !== 'function')
      throw new SealwireError('invalid-option', '`audit` is a sink with a method record(), or several.');
  }
  if (sinks.length === 0) return undefined;
  const records = sinks.map(harmless);
  return (type, about) => {
    const event = { type, time: now(), ...about } as AuditEvent;
    for (const record of records) record(event);
  };
}

/** A request does not suffer for a sink that throws, or rejects as one does whose method is async. */
function harmless(sink: AuditSink): AuditSink['record'] {
  let warned = false;
  const warn = () => {
    if (warned) return;
    warned = true;
    // Not what it threw: that may quote anything.
    process.emitWarning('An audit sink of sealwire() fails: events are lost.', { code: 'SEALWIRE_AUDIT' });
  };
  return (event) => {
    try {
      Promise.resolve(sink.record(event)).catch(warn);
    } catch {
      warn();
    }
  };
}

/** Names a session without giving it away: base64url of the first 16 bytes of the SHA-256 of its id. */
export function sessionReference(sid: string): string {
  const hash = createHash('sha256').update(Buffer.from(sid, 'base64url')).digest();
  return hash.subarray(0, 16).toString('base64url');
}

/** @param began by `performance.now()` */
export function recordAccepted(record: Recorder | undefined, notes: HandshakeNotes, began: number): void {
  if (record === undefined) return;
  const { kid, client, sid, suite, expires } = notes as Required<HandshakeNotes>;
  const about = { session: sessionReference(sid), kid, client, suite };
  record('handshake.accepted', { ...about, duration: since(began) });
  record('session.created', { ...about, expires });
}

/** @param began by `performance.now()` */
export function recordRefused(
  record: Recorder | undefined,
  refusal: SealwireError,
  { kid, client }: HandshakeNotes,
  began: number,
): void {
  const { code: reason } = refusal;
  const cause = reason === 'unavailable' ? causeOf(refusal) : undefined;
  record?.('handshake.rejected', { reason, kid, client, cause, duration: since(began) });
}

/** What can be a name, and no secret of 32 bytes. */
const nameForm = /^[A-Za-z][A-Za-z0-9_-]{0,39}$/;
/** Errors that are looked at behind one another. */
const maxCauses = 8;

/** The name of what is behind a failure, as far down as one is told that says more than that there was an error. */
function causeOf(failure: unknown): string | undefined {
  let told: string | undefined;
  let error = causing(failure);
  for (let depth = 0; depth < maxCauses && error instanceof Error; depth++) {
    const name = isSealwireError(error) ? error.code : error.name;
    if (nameForm.test(name) && name !== 'Error') told = name;
    error = causing(error);
  }
  return told;
}

function causing(error: unknown): unknown {
  return (error as { cause?: unknown }).cause;
}

/** What is known of an exchange that is refused. */
export interface RefusedExchange {
  readonly sid: string | undefined;
  readonly session: Session | undefined;
  /** Bytes of sealed body that were read. */
  readonly bytes: number;
  /** By `performance.now()`. */
  readonly began: number;
}

export function recordRefusedExchange(record: Recorder, reason: ErrorCode, refused: RefusedExchange): void {
  const { sid, session, bytes, began } = refused;
  record('exchange.rejected', {
    reason,
    session: sid === undefined ? undefined : sessionReference(sid),
    kid: session?.kid,
    client: session?.client,
    bytes,
    duration: since(began),
  });
}

function since(began: number): number {
  return Math.round(performance.now() - began);
}
