import type { InspectEvent } from '../index.ts';

/** Older exchanges are forgotten. */
const maxExchanges = 200;
/** How much of a body is kept, in bytes. */
const maxKept = 2048;

/** A request or a response as one side saw it. */
export interface Message {
  /** `POST /orders`, or `201`. */
  readonly line: string;
  readonly headers: readonly (readonly [string, string])[];
  /** Bytes of the body so far; undefined for a stream whose bytes nobody counted. */
  size: number | undefined;
  /** The first of them. */
  kept: Uint8Array;
}

export interface Side {
  request?: Message;
  response?: Message;
}

/** One call, or one handshake, from both sides. */
export interface Exchange {
  readonly title: string;
  readonly startedAt: number;
  endedAt?: number;
  status: string;
  /** What went differently than it began: resent, redirected, failed. */
  readonly notes: string[];
  readonly inside: Side;
  readonly outside: Side;
}

/** Puts events together, the newest exchange first. */
export class Exchanges {
  readonly list: Exchange[] = [];
  readonly #calls = new Map<number, Exchange>();

  /** @param changed is told which exchange it belongs to, and again where more of a body was read */
  take(event: InspectEvent, changed: (exchange: Exchange) => void): void {
    const exchange = event.id === 0 ? this.#takeHandshake(event) : this.#takeCall(event, changed);
    if (exchange !== undefined) changed(exchange);
  }

  #takeCall(event: InspectEvent, changed: (exchange: Exchange) => void): Exchange | undefined {
    if (event.type === 'started') {
      const { method, url, headers, size, body } = event;
      const exchange = this.#add(`${method} ${pathOf(url)}`, event.at);
      const { title } = exchange;
      exchange.inside.request = message(title, headers, size, body, () => changed(exchange));
      this.#calls.set(event.id, exchange);
      return exchange;
    }
    const exchange = this.#calls.get(event.id);
    if (exchange === undefined) return undefined;
    const { inside, outside, notes } = exchange;
    switch (event.type) {
      case 'sent':
        outside.request = message(
          `${event.method} ${pathOf(event.url)}`,
          event.headers,
          event.size,
          event.body,
          () => changed(exchange),
        );
        delete outside.response;
        break;
      case 'uploaded':
        if (inside.request) inside.request.size = (inside.request.size ?? 0) + event.size;
        break;
      case 'received':
        // The head comes after the first of it.
        outside.response ??= { line: '', headers: [], size: 0, kept: new Uint8Array() };
        add(outside.response, event.size, event.body);
        break;
      case 'head':
        exchange.status = String(event.status);
        inside.response = { line: exchange.status, headers: event.headers, size: 0, kept: new Uint8Array() };
        outside.response = {
          size: 0,
          kept: new Uint8Array(),
          ...outside.response,
          line: String(event.outer.status),
          headers: event.outer.headers,
        };
        break;
      case 'opened':
        if (inside.response) add(inside.response, event.size, event.body);
        break;
      case 'ended':
        exchange.endedAt = event.at;
        break;
      case 'failed':
        exchange.endedAt ??= event.at;
        exchange.status = 'failed';
        notes.push(String(event.error));
        break;
      case 'resent':
        notes.push(`Sent again: ${event.code}`);
        break;
      case 'redirected':
        notes.push(`${event.status}, on to ${pathOf(event.url)}`);
        break;
    }
    return exchange;
  }

  #takeHandshake(event: InspectEvent): Exchange | undefined {
    if (event.type === 'handshake') {
      const exchange = this.#add(`Handshake, ${event.suite}`, event.at - event.took);
      exchange.endedAt = event.at;
      exchange.status = 'done';
      return exchange;
    }
    if (event.type !== 'failed') return undefined;
    const exchange = this.#add('Handshake', event.at);
    exchange.status = 'failed';
    exchange.notes.push(String(event.error));
    return exchange;
  }

  #add(title: string, startedAt: number): Exchange {
    const exchange: Exchange = { title, startedAt, status: '…', notes: [], inside: {}, outside: {} };
    this.list.unshift(exchange);
    const forgotten = this.list.length > maxExchanges ? this.list.pop() : undefined;
    for (const [id, each] of this.#calls) if (each === forgotten) this.#calls.delete(id);
    return exchange;
  }
}

function message(
  line: string,
  headers: Message['headers'],
  size: number | undefined,
  body: Uint8Array | Blob | undefined,
  changed: () => void,
): Message {
  const made: Message = { line, headers, size, kept: new Uint8Array() };
  if (body instanceof Blob) {
    const beginning = body.slice(0, maxKept).arrayBuffer();
    beginning.then((bytes) => {
      made.kept = new Uint8Array(bytes);
      changed();
    });
  } else if (body !== undefined) made.kept = body.slice(0, maxKept);
  return made;
}

function add(to: Message, size: number, body: Uint8Array | undefined): void {
  to.size = (to.size ?? 0) + size;
  const room = maxKept - to.kept.length;
  if (body === undefined || room <= 0) return;
  const kept = new Uint8Array(to.kept.length + Math.min(room, body.length));
  kept.set(to.kept);
  kept.set(body.subarray(0, room), to.kept.length);
  to.kept = kept;
}

function pathOf(url: string): string {
  const { pathname, search } = new URL(url);
  return pathname + search;
}
