import type { AuditEvent, AuditEventType, ErrorCode } from '@sealwire/core';

interface Held {
  readonly of: AuditEventType;
  readonly reason: ErrorCode;
  readonly since: number;
  count: number;
  time: number;
}

/** Lets a few rejections of one type and reason pass in an interval, and counts the others. */
export class Flood {
  readonly #most: number;
  readonly #passed = new Map<string, number>();
  readonly #held = new Map<string, Held>();

  constructor(most: number) {
    this.#most = most;
  }

  /** True for an event that is counted instead of written. */
  holds(event: AuditEvent): boolean {
    if (event.type !== 'handshake.rejected' && event.type !== 'exchange.rejected') return false;
    const { type, reason, time } = event;
    const kind = `${type} ${reason}`;
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
