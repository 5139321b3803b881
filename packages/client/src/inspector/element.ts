import type { SealedFetch } from '../index.ts';
import { type Exchange, Exchanges } from './exchanges.ts';
import { style } from './style.ts';
import { detail, h, summary } from './view.ts';

// Where pages are rendered on a server, there is none; it is not made there either.
const Base = globalThis.HTMLElement ?? (class {} as typeof HTMLElement);

/** A panel for development: every exchange, what the app sees on the left, what travels on the right. */
export class SealwireInspector extends Base {
  readonly #exchanges = new Exchanges();
  readonly #rows = new Map<Exchange, HTMLLIElement>();
  readonly #list = h('ol');
  readonly #open = new Set<Exchange>();
  /** What changed since it was drawn; a page in the background draws nothing, and forgets exchanges all the same. */
  #stale = new WeakSet<Exchange>();
  #stop: (() => void) | undefined;
  #drawing = false;

  constructor() {
    super();
    const root = this.attachShadow({ mode: 'open' });
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(style);
    root.adoptedStyleSheets = [sheet];
    root.append(this.#list, h('p', { className: 'empty', textContent: 'Nothing was sent yet.' }));
  }

  /**
   * Shows from now on what a sealed fetch does, until the element leaves the page.
   * @throws SealwireError `inspection-refused` in production
   */
  async inspect(sealedFetch: SealedFetch): Promise<void> {
    const draw = (exchange: Exchange) => this.#drawSoon(exchange);
    const stop = await sealedFetch.inspect((event) => this.#exchanges.take(event, draw), { bodies: true });
    this.#stop?.();
    this.#stop = stop;
  }

  disconnectedCallback(): void {
    this.#stop?.();
    this.#stop = undefined;
  }

  #drawSoon(exchange: Exchange): void {
    this.#stale.add(exchange);
    if (this.#drawing) return;
    this.#drawing = true;
    requestAnimationFrame(() => {
      this.#drawing = false;
      this.#draw();
    });
  }

  /** Rows stay the elements that they are, so that none loses the focus, and of what did not change nothing moves. */
  #draw(): void {
    const { list } = this.#exchanges;
    if (list.length > 0) this.shadowRoot?.querySelector('.empty')?.remove();
    for (const exchange of [...list].reverse()) {
      let row = this.#rows.get(exchange);
      if (row === undefined) {
        row = this.#newRow(exchange);
        this.#rows.set(exchange, row);
        this.#list.prepend(row);
      }
      if (this.#stale.has(exchange)) fill(row, exchange, this.#open.has(exchange));
    }
    this.#stale = new WeakSet();
    for (const [exchange, row] of this.#rows) {
      if (list.includes(exchange)) continue;
      row.remove();
      this.#rows.delete(exchange);
      this.#open.delete(exchange);
    }
  }

  #newRow(exchange: Exchange): HTMLLIElement {
    const button = h('button', { type: 'button' });
    button.addEventListener('click', () => {
      if (!this.#open.delete(exchange)) this.#open.add(exchange);
      this.#stale.add(exchange);
      this.#draw();
    });
    return h('li', {}, button);
  }
}

function fill(row: HTMLLIElement, exchange: Exchange, open: boolean): void {
  const button = row.firstChild as HTMLButtonElement;
  button.ariaExpanded = String(open);
  button.replaceChildren(...summary(exchange));
  row.querySelector('.detail')?.remove();
  if (open) row.append(h('div', { className: 'detail' }, ...detail(exchange)));
}
