import type { ErrorCode } from './errors.ts';
import type { SuiteName } from './suites.ts';

/** What a key is for. */
export type KeyPurpose = 'kem' | 'identity' | 'store-wrap' | 'ticket' | 'audit';

/** What an actor may do with a key. */
export type KeyOperation = 'decapsulate' | 'sign' | 'unwrap' | 'rotate' | 'destroy' | 'export';

interface AboutKey {
  /** Id of the key: a kid, or a thumbprint of the same form. */
  readonly kid: string;
  readonly purpose: KeyPurpose;
  /** Who did it, or wanted to: the name under which a process acts. */
  readonly actor: string;
}

interface AboutSession {
  /** A reference that cannot be turned back into the session's id: base64url of the first 16 bytes of its SHA-256. */
  readonly session: string;
  readonly kid: string;
  /** Thumbprint of the client key. */
  readonly client: string | undefined;
}

/**
 * Every security event and what it tells: a list of what may be said, so there is nothing to redact. Durations in
 * milliseconds.
 */
export interface AuditEvents {
  'handshake.accepted': AboutSession & { readonly suite: SuiteName; readonly duration: number };
  'handshake.rejected': {
    readonly reason: ErrorCode;
    /** As the client named it: it need not be one of the server's. */
    readonly kid: string | undefined;
    readonly client: string | undefined;
    /** Why a store or a key was `unavailable`: a name, such as `AccessDeniedException`, and no message. */
    readonly cause: string | undefined;
    readonly duration: number;
  };
  'session.created': AboutSession & { readonly suite: SuiteName; readonly expires: number };
  /** Many may end at once; then `session` is undefined and `count` says how many. */
  'session.ended': {
    readonly reason: 'client-revoked' | 'key-revoked';
    readonly session: string | undefined;
    readonly kid: string | undefined;
    readonly client: string | undefined;
    readonly count: number;
  };
  'exchange.rejected': {
    readonly reason: ErrorCode;
    readonly session: string | undefined;
    readonly kid: string | undefined;
    readonly client: string | undefined;
    /** Bytes of sealed body that had been read. */
    readonly bytes: number;
    readonly duration: number;
  };
  'key.created': AboutKey;
  'key.promoted': AboutKey;
  'key.retired': AboutKey;
  'key.disabled': AboutKey & { readonly reason: 'policy' | 'command' | 'emergency' };
  'key.destroyed': AboutKey;
  /** Its secret was given out. */
  'key.exported': AboutKey;
  /** Without a `kid`: what is denied is about no key in particular. */
  'key.denied': Omit<AboutKey, 'kid'> & {
    readonly kid: string | undefined;
    readonly operation: KeyOperation;
  };
  /** Events of one type and reason came too fast to be written each: so many were not, since that time. */
  'events.suppressed': {
    readonly of: AuditEventType;
    readonly reason: ErrorCode | undefined;
    readonly count: number;
    readonly since: number;
  };
  /** Events of one type that a sink had no room for, since that time. */
  'events.lost': { readonly of: AuditEventType; readonly count: number; readonly since: number };
}

export type AuditEventType = keyof AuditEvents;

/** One event, with the server's time in milliseconds. */
export type AuditEvent = {
  [Type in AuditEventType]: { readonly type: Type; readonly time: number } & AuditEvents[Type];
}[AuditEventType];

/** Where security events go. `record` returns at once and does not throw: what is slow or fails is the sink's affair. */
export interface AuditSink {
  record(event: AuditEvent): void;
  /**
   * Resolves once everything that was recorded before is kept; rejects, with `audit-failed`, if that cannot be said. Requests
   * never wait for it. Who changes keys does, before the change takes effect: what cannot be recorded does not happen. So
   * an event of a key may tell of what failed after it was recorded.
   */
  flush?(): Promise<void>;
}
