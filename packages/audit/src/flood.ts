import type { AuditEvent, AuditEventType, ErrorCode } from '@sealwire/core';

interface Held {
  readonly of: AuditEventType;
  readonly reason: ErrorCode | undefined;
  readonly since: number;
  count: number;
  time: number;
}

/** Lets a few events of a kind that clients can bring about pass in an interval, and counts the others. */
export class Flood {
  readonly #most: number;
  readonly #passed = new Map<string, number>();
  readonly #held = new Map<string, Held>();

  constructor(most: number) {
    this.#most = most;
  }

  /** True for an event that is counted instead of written. */
  holds(event: AuditEvent): boolean {
    const kind = kindOf(event);
    if (kind === undefined) return false;
    const { type, time } = event;
    const reason = 'reason' in event ? (event.reason as ErrorCode) : undefined;
    const passed = this.#passed.get(kind) ?? 0;
    this.#passed.set(kind, passed + 1);
    if (passed < this.#most) return false;
    const held = this.#held.get(kind);
    if (held === undefined) this.#held.set(kind, { of: type, reason, since: time, count: 1, time });
    else {
      held.count++;
      held.time = time;
    }
    return true;
  }

  /** True if nothing was rejected in this interval. */
  get quiet(): boolean {
    return this.#passed.size === 0;
  }

  /** What was counted, as events. */
  take(): AuditEvent[] {
    const events = [...this.#held.values()].map(
      ({ time, of, reason, count, since }): AuditEvent => ({
        type: 'events.suppressed',
        time,
        of,
        reason,
        count,
        since,
      }),
    );
    this.#held.clear();
    return events;
  }

  /** Begins the next interval. */
  renew(): void {
    this.#passed.clear();
  }
}

/** A refusal; or a denial, since a server whose policy lacks what serving takes says so at each request. */
function kindOf(event: AuditEvent): string | undefined {
  switch (event.type) {
    case 'handshake.rejected':
    case 'exchange.rejected':
      return `${event.type} ${event.reason}`;
    case 'key.denied':
      return `${event.type} ${event.operation} ${event.purpose} ${event.actor}`;
    default:
      return undefined;
  }
}
