// Records every exchange from two sides: what the app gives to and gets from the sealed fetch, and what that gives to
// and gets from the platform's fetch, which is what travels. Nothing shown by the wire view is made up.
import { capture, captureBody, passThrough, recorded } from './captured.js';

/** Older exchanges are forgotten. */
const maxExchanges = 40;

/**
 * One call of the app and what travelled for it, or what the client did by itself (`app` is undefined then).
 * @typedef {object} Exchange
 * @property {number} id
 * @property {'call' | 'configuration' | 'handshake'} kind
 * @property {Side | undefined} app
 * @property {Side | undefined} wire the last sending; there is more than one only after a restart of the server
 * @property {number} startedAt by `performance.now()`
 * @property {number | undefined} endedAt
 *
 * One side's view.
 * @typedef {object} Side
 * @property {Message & { method: string, path: string }} request
 * @property {(Message & { status: number }) | undefined} response
 * @property {string | undefined} error
 * @property {boolean} [cancelled] true if the page ended it
 *
 * @typedef {{ headers: [string, string][], body: import('./captured.js').Captured | undefined }} Message
 */

export class WireTap extends EventTarget {
  /** @type {Exchange[]} the newest first */
  exchanges = [];
  #platformFetch;
  /** Calls by their signal: the sealed fetch hands it on as it is, so it tells whose bytes are on the wire. */
  #calls = new WeakMap();
  #lastId = 0;

  /** @param {typeof fetch} platformFetch what the bytes go out by */
  constructor(platformFetch) {
    super();
    this.#platformFetch = platformFetch;
  }

  /** The wire side: the option `fetch` of createSealedFetch(). */
  fetch = (url, init) => {
    const path = pathOf(url);
    const exchange = this.#calls.get(init.signal) ?? this.#add(ownKind(path));
    const side = { request: requestOf(path, init), response: undefined, error: undefined };
    exchange.wire = side;
    // Over HTTP/2 a long upload goes out as a stream.
    const isStream = init.body instanceof ReadableStream;
    const sent = isStream ? { ...init, body: this.#recordedBody(exchange, side, init.body) } : init;
    return this.#record(exchange, side, () => this.#platformFetch(url, sent));
  };

  /** The app's side: a fetch that the app uses instead of `sealedFetch`. */
  watch(sealedFetch) {
    return (path, init = {}) => {
      // A signal of this call alone.
      const signal = AbortSignal.any(init.signal ? [init.signal] : []);
      const exchange = this.#add('call');
      this.#calls.set(signal, exchange);
      const side = { request: requestOf(pathOf(path), init), response: undefined, error: undefined };
      exchange.app = side;
      return this.#record(exchange, side, () => sealedFetch(path, { ...init, signal }));
    };
  }

  #recordedBody(exchange, { request }, stream) {
    // How it ends the call tells.
    return recorded(
      stream,
      request.body,
      () => this.#changed(exchange),
      () => {},
    );
  }

  #add(kind) {
    this.#lastId++;
    const startedAt = performance.now();
    const exchange = {
      id: this.#lastId,
      kind,
      app: undefined,
      wire: undefined,
      startedAt,
      endedAt: undefined,
    };
    this.exchanges = [exchange, ...this.exchanges].slice(0, maxExchanges);
    this.#changed(exchange);
    return exchange;
  }

  async #record(exchange, side, send) {
    const ended = (error) => {
      exchange.endedAt = performance.now();
      side.cancelled = error?.name === 'AbortError';
      side.error = side.cancelled ? 'The page ended it.' : error?.message;
      this.#changed(exchange);
    };
    this.#changed(exchange);
    try {
      const response = await send();
      const body = capture();
      side.response = { status: response.status, headers: [...response.headers], body };
      this.#changed(exchange);
      return passThrough(response, body, () => this.#changed(exchange), ended);
    } catch (error) {
      ended(error);
      throw error;
    }
  }

  #changed(exchange) {
    this.dispatchEvent(Object.assign(new Event('change'), { exchange }));
  }
}

function requestOf(path, init) {
  return {
    method: init.method ?? 'GET',
    path,
    headers: [...new Headers(init.headers)],
    body: captureBody(init.body),
  };
}

function ownKind(path) {
  return path === '/.well-known/sealwire' ? 'configuration' : 'handshake';
}

function pathOf(url) {
  const { pathname, search } = new URL(url, 'http://relative');
  return pathname + search;
}
