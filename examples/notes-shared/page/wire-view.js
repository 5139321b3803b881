// The wire view: a list of exchanges, and one of them seen from both sides.
import { formatLength } from './bytes.js';
import { messageInHeader } from './captured.js';
import { h } from './dom.js';
import { renderExchange } from './exchange-view.js';

const names = { configuration: 'Key configuration', handshake: 'Handshake' };

export class WireView {
  #tap;
  #stage = document.querySelector('#stage');
  #log = document.querySelector('#log');
  #follow = document.querySelector('#follow');
  #entries = new Map();
  #selected;
  #drawing = false;
  #stageStale = true;

  /** @param {import('./wire-tap.js').WireTap} tap */
  constructor(tap) {
    this.#tap = tap;
    tap.addEventListener('change', ({ exchange }) => {
      this.#stageStale ||= exchange === this.#selected;
      this.#drawSoon();
    });
    this.#follow.addEventListener('change', () => this.#drawSoon());
    let width = 0;
    new ResizeObserver(([{ contentRect }]) => {
      // A line of a dump is as long as there is room for; the height changes with every drawing.
      if (contentRect.width === width) return;
      width = contentRect.width;
      this.#stageStale = true;
      this.#drawSoon();
    }).observe(this.#stage);
  }

  /** Once a frame, however fast a stream is. */
  #drawSoon() {
    if (this.#drawing) return;
    this.#drawing = true;
    requestAnimationFrame(() => {
      this.#drawing = false;
      this.#draw();
    });
  }

  #draw() {
    const { exchanges } = this.#tap;
    if (this.#follow.checked) this.#choose(newestToShow(exchanges));
    this.#drawLog(exchanges);
    // Only then, so that a selected text or the focus stays where it is.
    if (!this.#stageStale) return;
    this.#stageStale = false;
    this.#stage.replaceChildren(...renderExchange(this.#selected, this.#stage.clientWidth));
  }

  #drawLog(exchanges) {
    for (const [exchange, entry] of this.#entries) {
      if (exchanges.includes(exchange)) continue;
      entry.remove();
      this.#entries.delete(exchange);
    }
    for (const exchange of exchanges.toReversed()) {
      let entry = this.#entries.get(exchange);
      if (entry === undefined) {
        entry = h('li', {}, h('button', { type: 'button', onclick: () => this.#select(exchange) }));
        this.#entries.set(exchange, entry);
        this.#log.prepend(entry);
      }
      // The button stays the same, so that it keeps the focus.
      const button = entry.firstChild;
      button.replaceChildren(...summary(exchange));
      button.setAttribute('aria-pressed', String(exchange === this.#selected));
    }
  }

  #select(exchange) {
    this.#follow.checked = false;
    this.#choose(exchange);
    this.#draw();
  }

  #choose(exchange) {
    if (exchange === this.#selected) return;
    this.#selected = exchange;
    this.#stageStale = true;
  }
}

/** What the visitor did last. The feed stays open all the time and the client's own exchanges come by themselves. */
function newestToShow(exchanges) {
  return exchanges.find(({ kind, app }) => kind === 'call' && app?.request.path !== '/feed') ?? exchanges[0];
}

function summary(exchange) {
  const { app, wire, startedAt, endedAt } = exchange;
  const { request } = app ?? wire ?? {};
  const title = exchange.kind === 'call' ? `${request?.method} ${request?.path}` : names[exchange.kind];
  const { error, cancelled, response } = app ?? wire ?? {};
  const status = cancelled ? 'ended' : error ? 'failed' : (response?.status ?? '…');
  return [
    h('span', { className: 'log-title', textContent: title }),
    h('span', { className: 'log-status', textContent: String(status) }),
    h('span', { className: 'log-size', textContent: wire ? sizes(wire) : '' }),
    h('span', {
      className: endedAt === undefined ? 'log-time open' : 'log-time',
      textContent: endedAt === undefined ? 'open' : `${Math.max(1, Math.round(endedAt - startedAt))} ms`,
    }),
  ];
}

function sizes({ request, response }) {
  const up = request.body ?? messageInHeader(request.headers);
  return `↑ ${formatLength(up?.length ?? 0)}  ↓ ${formatLength(response?.body?.length ?? 0)}`;
}
