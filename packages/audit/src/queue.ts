import { type AuditEvent, type AuditEventType, type AuditSink, SealwireError } from '@sealwire/core';
import { Flood } from './flood.ts';
import { checkNumbers, checkOptions, invalid } from './invalid.ts';
import { Losses } from './losses.ts';
import { Runs } from './runs.ts';

export interface AuditQueueOptions {
  /** Events that wait for the sink at most. Default 10,000. */
  size?: number;
  /**
   * What happens to an event when so many wait. `drop`: it is counted, and the count is recorded when there is room.
   * `keep`: it waits all the same. Default: `keep` for `key.…`, which are few and whose operations wait for `flush()`;
   * `drop` for all that clients can cause.
   */
  onFull?: (type: AuditEventType) => 'drop' | 'keep';
  /**
   * Rejections of one type and reason, and denials of one operation to one actor, beyond so many `events` within
   * `interval` milliseconds are counted, and recorded as one `events.suppressed` at its end. Default 20 within 10,000; a day at most.
   */
  flood?: { events?: number; interval?: number };
}

export interface AuditQueue extends AuditSink {
  /** Waits for the sink's own `flush()`, for 5 seconds at most. @throws SealwireError `audit-failed` */
  flush(): Promise<void>;
  /** Records what is left and closes the sink, if it can be closed. @throws what the sink throws */
  close(): Promise<void>;
}

/** Events that the sink gets at a time. */
const batchSize = 256;
/** How long a sink that failed is left alone, and how long `flush()` waits for it, in milliseconds. */
const retryAfter = 1000;
const flushLimit = 5000;
const maxInterval = 86_400_000;

/**
 * Keeps a slow or failing sink from harming anybody: it gets events in batches, the next once it has flushed the one
 * before. What waits is bounded, floods are counted instead of written, and what was lost is recorded.
 * @throws SealwireError `invalid-option`
 */
export function auditQueue(
  sink: AuditSink & { close?(): Promise<void> },
  options: AuditQueueOptions = {},
): AuditQueue {
  if (typeof sink?.record !== 'function') throw invalid('The first argument is a sink.');
  return new Queue(sink, options);
}

class Queue implements AuditQueue {
  readonly #sink: AuditSink & { close?(): Promise<void> };
  readonly #size: number;
  readonly #onFull: (type: AuditEventType) => 'drop' | 'keep';
  readonly #interval: number;
  readonly #flood: Flood;
  readonly #losses = new Losses();
  readonly #runs = new Runs(() => this.#hand());
  #waiting: AuditEvent[] = [];
  /** True if the sink has events that it could not flush. */
  #unflushed = false;
  #retry: NodeJS.Timeout | undefined;
  #ticking: NodeJS.Timeout | undefined;

  constructor(sink: AuditSink, options: AuditQueueOptions) {
    checkOptions(options, ['size', 'onFull', 'flood']);
    const { size = 10_000, onFull = byDefault, flood = {} } = options;
    checkOptions(flood, ['events', 'interval'], '`flood`');
    const { events = 20, interval = 10_000 } = flood;
    checkNumbers({ size, events, interval });
    // A timer that is longer runs without a pause.
    if (interval > maxInterval) throw invalid(`\`interval\` is at most ${maxInterval}, a day.`);
    if (typeof onFull !== 'function') throw invalid('`onFull` is a function.');
    this.#sink = sink;
    this.#size = size;
    this.#onFull = onFull;
    this.#interval = interval;
    this.#flood = new Flood(events);
  }

  record(event: AuditEvent): void {
    const held = this.#flood.holds(event);
    if (!this.#flood.quiet) this.#ticking ??= setInterval(() => this.#tick(), this.#interval).unref();
    if (!held) this.#put(event);
  }

  async flush(): Promise<void> {
    for (const event of this.#flood.take()) this.#put(event);
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new TypeError('took too long')), flushLimit);
    });
    try {
      await Promise.race([this.#runs.run(), late]);
    } catch (cause) {
      throw new SealwireError('audit-failed', 'The sink did not take it.', { cause });
    } finally {
      clearTimeout(timer);
    }
  }

  async close(): Promise<void> {
    try {
      await this.flush();
    } finally {
      clearInterval(this.#ticking);
      clearTimeout(this.#retry);
      await this.#sink.close?.();
    }
  }

  #put(event: AuditEvent): void {
    if (this.#waiting.length >= this.#size && this.#onFull(event.type) === 'drop') this.#losses.add(event);
    else this.#waiting.push(event);
    if (this.#retry === undefined) this.#soon();
  }

  #soon(): void {
    this.#runs.run().catch(() => {
      this.#retry ??= setTimeout(() => {
        this.#retry = undefined;
        this.#soon();
      }, retryAfter).unref();
    });
  }

  async #hand(): Promise<void> {
    await this.#flush();
    while (this.#waiting.length > 0 || this.#losses.any) {
      const batch = this.#waiting.splice(0, batchSize);
      if (this.#waiting.length === 0) batch.push(...this.#losses.take());
      this.#give(batch);
      await this.#flush();
    }
  }

  #give(batch: AuditEvent[]): void {
    this.#unflushed = true;
    for (const [given, event] of batch.entries()) {
      try {
        this.#sink.record(event);
      } catch (error) {
        this.#waiting.unshift(...batch.slice(given));
        throw error;
      }
    }
  }

  async #flush(): Promise<void> {
    if (!this.#unflushed) return;
    await this.#sink.flush?.();
    this.#unflushed = false;
  }

  #tick(): void {
    for (const event of this.#flood.take()) this.#put(event);
    if (this.#flood.quiet) {
      clearInterval(this.#ticking);
      this.#ticking = undefined;
    }
    this.#flood.renew();
  }
}

function byDefault(type: AuditEventType): 'drop' | 'keep' {
  return type.startsWith('key.') ? 'keep' : 'drop';
}
