import type { AuditEvent, AuditEventType } from '@sealwire/core';

/** Counts events for which there was no room, until that can be said. */
export class Losses {
  readonly #counts = new Map<AuditEventType, { count: number; since: number; time: number }>();

  get any(): boolean {
    return this.#counts.size > 0;
  }

  add(event: AuditEvent): void {
    const { time } = event;
    // What stands for several events counts as them.
    const { of, count, since } = 'of' in event ? event : { of: event.type, count: 1, since: time };
    const lost = this.#counts.get(of);
    this.#counts.set(of, { count: (lost?.count ?? 0) + count, since: lost?.since ?? since, time });
  }

  /** What was lost, as events; then it counts from nothing. */
  take(): AuditEvent[] {
    const lost = [...this.#counts].map(
      ([of, { count, since, time }]): AuditEvent => ({ type: 'events.lost', time, of, count, since }),
    );
    this.#counts.clear();
    return lost;
  }
}
