import type { Exchange, Message, Side } from './exchanges.ts';

// Elements are made one by one and hold text only: no markup is parsed, so Trusted Types have nothing to object to.

/** Makes an element with properties and children. */
export function h<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  properties: Partial<HTMLElementTagNameMap[Tag]> = {},
  ...children: (Node | string)[]
): HTMLElementTagNameMap[Tag] {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
}

/** A line of the list: what was called, what came of it, how much, how long. */
export function summary(exchange: Exchange): HTMLElement[] {
  const { title, status, startedAt, endedAt, inside, outside } = exchange;
  const took = endedAt === undefined ? '…' : `${Math.round(endedAt - startedAt)} ms`;
  // Of a handshake nothing is counted.
  const sizes = inside.request === undefined ? '' : `${total(inside)} → ${total(outside)}`;
  return [
    h('span', { className: 'title', textContent: title, title }),
    h('span', { className: 'status', textContent: status }),
    h('span', { className: 'size', textContent: sizes }),
    h('span', { className: 'time', textContent: took }),
  ];
}

/** Both sides of an exchange, plaintext on the left. */
export function detail({ inside, outside, notes }: Exchange): HTMLElement[] {
  return [
    ...notes.map((note) => h('p', { className: 'note', textContent: note })),
    h('div', { className: 'sides' }, side('Your app', inside, text), side('What travels', outside, hex)),
  ];
}

function side(title: string, { request, response }: Side, show: (message: Message) => string): HTMLElement {
  const messages = [request, response].filter((each) => each !== undefined);
  return h(
    'section',
    {},
    h('h3', { textContent: title }),
    ...messages.flatMap((message) => [
      h('p', { className: 'line', textContent: message.line }),
      h('dl', {}, ...message.headers.flatMap(field)),
      ...(message.size === 0 ? [] : [h('pre', { tabIndex: 0, textContent: show(message) })]),
      h('p', { className: 'bytes', textContent: length(message.size) }),
    ]),
  );
}

function field([name, value]: readonly [string, string]): HTMLElement[] {
  return [h('dt', { textContent: name }), h('dd', { textContent: value })];
}

function text({ kept, size }: Message): string {
  const shown = new TextDecoder().decode(kept);
  return size !== undefined && size > kept.length ? `${shown}…` : shown;
}

function hex({ kept, size }: Message): string {
  const shown = [...kept].map((byte) => byte.toString(16).padStart(2, '0')).join(' ');
  return size !== undefined && size > kept.length ? `${shown} …` : shown;
}

/** Bytes of both bodies; a message without a body travels in its header. */
function total({ request, response }: Side): string {
  return length((request?.size ?? 0) + (response?.size ?? 0));
}

function length(bytes: number | undefined): string {
  if (bytes === undefined) return 'a stream';
  if (bytes < 1000) return `${bytes} B`;
  return bytes < 1e6 ? `${(bytes / 1e3).toFixed(1)} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
}
