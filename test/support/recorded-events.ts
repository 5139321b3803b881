import { type AuditEvent, type AuditEventType, auditEventSchema } from '@sealwire/audit';
import type { AuditSink } from '@sealwire/core';
import * as assert from 'uvu/assert';
import { Ajv } from '../../packages/core/test/support/ajv.ts';

const validate = new Ajv({ strict: true }).compile(auditEventSchema);

/** Asserts that an event has the members of its type, and no other. */
export function assertValid(event: unknown): void {
  // As it is written.
  assert.ok(
    validate(JSON.parse(JSON.stringify(event))),
    `${JSON.stringify(event)} ${JSON.stringify(validate.errors)}`,
  );
}

/** A sink that keeps what it gets. */
export class EventList implements AuditSink {
  events: AuditEvent[] = [];

  record(event: AuditEvent): void {
    this.events.push(event);
  }

  /** Events of a type. */
  of<Type extends AuditEventType>(type: Type): Extract<AuditEvent, { type: Type }>[] {
    return this.events.filter((event) => event.type === type) as Extract<AuditEvent, { type: Type }>[];
  }

  /** What was recorded since the last call, every event valid. */
  take(): AuditEvent[] {
    const taken = this.events;
    this.events = [];
    for (const event of taken) assertValid(event);
    return taken;
  }
}
