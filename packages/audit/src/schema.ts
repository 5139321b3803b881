import { type AuditEvents, type AuditEventType, errorCodes, suites } from '@sealwire/core';

/** A JSON Schema. */
export type Schema = Readonly<Record<string, unknown>>;

const b64u32: Schema = { type: 'string', pattern: '^[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$' };
const b64u16: Schema = { type: 'string', pattern: '^[A-Za-z0-9_-]{21}[AQgw]$' };
const whole: Schema = { type: 'integer', minimum: 0, maximum: Number.MAX_SAFE_INTEGER };
const several: Schema = { ...whole, minimum: 1 };
const reason: Schema = { enum: errorCodes };
const eventType: Schema = { type: 'string', pattern: '^(?:handshake|session|exchange|key)\\.[a-z]+$' };
/** The name of an error. A secret of 32 bytes is longer in any form. */
const name: Schema = { type: 'string', pattern: '^[A-Za-z][A-Za-z0-9_-]{0,39}$' };
const suite: Schema = { enum: suites.map(({ name }) => name) };

const aboutKey = {
  kid: b64u32,
  purpose: { enum: ['kem', 'identity', 'store-wrap', 'ticket', 'audit'] },
  actor: { type: 'string', minLength: 1, maxLength: 256 },
};
const aboutSession = { session: b64u16, kid: b64u32, client: b64u32 };

/** What each type of event has beside `type` and `time`. */
const members: { [Type in AuditEventType]: Record<keyof AuditEvents[Type], Schema> } = {
  'handshake.accepted': { ...aboutSession, suite, duration: whole },
  'handshake.rejected': { reason, kid: b64u32, client: b64u32, cause: name, duration: whole },
  'session.created': { ...aboutSession, suite, expires: whole },
  'session.ended': {
    ...aboutSession,
    reason: { enum: ['client-revoked', 'key-revoked'] },
    count: several,
  },
  'exchange.rejected': { ...aboutSession, reason, bytes: whole, duration: whole },
  'key.created': aboutKey,
  'key.promoted': aboutKey,
  'key.retired': aboutKey,
  'key.disabled': { ...aboutKey, reason: { enum: ['policy', 'command', 'emergency'] } },
  'key.destroyed': aboutKey,
  'key.exported': aboutKey,
  'key.denied': {
    ...aboutKey,
    operation: { enum: ['decapsulate', 'sign', 'unwrap', 'rotate', 'destroy', 'export'] },
  },
  'events.suppressed': { of: eventType, reason, count: several, since: whole },
  'events.lost': { of: eventType, count: several, since: whole },
};

/** Members that an event may lack, because they are not known. */
const optional: { readonly [Type in AuditEventType]?: readonly string[] } = {
  'handshake.accepted': ['client'],
  'handshake.rejected': ['kid', 'client', 'cause'],
  'session.created': ['client'],
  'session.ended': ['session', 'kid', 'client'],
  'exchange.rejected': ['session', 'kid', 'client'],
  'key.denied': ['kid'],
  'events.suppressed': ['reason'],
};

/** JSON Schema of one event: every type, every member that it may have, and no other. */
export const auditEventSchema: Schema = {
  $schema: 'http://json-schema.org/draft-07/schema#',
  title: 'An audit event of Sealwire',
  oneOf: Object.entries(members).map(([type, about]) => ({
    type: 'object',
    additionalProperties: false,
    required: ['type', 'time', ...Object.keys(about).filter((name) => !isOptional(type, name))],
    properties: { type: { const: type }, time: whole, ...about },
  })),
};

function isOptional(type: string, name: string): boolean {
  return optional[type as AuditEventType]?.includes(name) ?? false;
}
