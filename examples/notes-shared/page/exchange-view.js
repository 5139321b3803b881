// One exchange, seen from both sides: four cells, request and response, app and wire.
import { formatLength, hexDump, hexLineLength } from './bytes.js';
import { isText, messageInHeader, textOf } from './captured.js';
import { cdnLog } from './cdn-log.js';
import { h } from './dom.js';
import { explainRequest, explainResponse } from './own-exchange.js';

/** How much of a body is shown, in bytes. */
const maxShown = 512;
/** A stage narrower than this, in pixels, shows one column. The style sheet knows it, too. */
const narrow = 560;

const sides = {
  app: { title: 'Your app sees', className: 'app' },
  wire: { title: 'Every proxy, CDN and log sees', className: 'on-wire' },
};

/**
 * The children of the stage.
 * @param {import('./wire-tap.js').Exchange | undefined} exchange
 * @param {number} width of the stage in pixels
 */
export function renderExchange(exchange, width) {
  const heads = Object.values(sides).map(({ title, className }) =>
    h('h3', { className: `head ${className}`, textContent: title }),
  );
  if (exchange === undefined) return heads;
  const perLine = hexLineLength(width < narrow ? width : width / 2);
  const { app, wire, kind } = exchange;
  return [
    ...heads,
    cell('app', 'Request', kind === 'call' ? appRequest(app, perLine) : explainRequest(exchange)),
    cell('wire', 'Request', wireRequest(wire, perLine)),
    cell('app', 'Response', kind === 'call' ? response(app, perLine) : explainResponse(exchange)),
    cell('wire', 'Response', response(wire, perLine)),
    logCell(exchange),
  ];
}

/** What is left of an exchange when it is over, where its log is kept. */
function logCell(exchange) {
  const heading = h('h4', {}, h('span', { textContent: 'What a CDN logs' }));
  return h('article', { className: 'cell on-wire cdn' }, heading, block(cdnLog(exchange)));
}

function cell(side, title, content) {
  // In one column there are no heads, and every cell says whose view it is.
  const whose = h('span', { className: 'whose', textContent: sides[side].title });
  const heading = h('h4', {}, h('span', { textContent: title }), whose);
  return h('article', { className: `cell ${sides[side].className}` }, heading, ...content);
}

function appRequest({ request }, perLine) {
  return [startLine(request), ...fields(request.headers), ...body(request, perLine)];
}

function wireRequest(side, perLine) {
  if (side === undefined) return [note('Not sent yet.')];
  const { request } = side;
  const sealed = messageInHeader(request.headers);
  if (sealed === undefined) return appRequest(side, perLine);
  return [
    startLine(request),
    ...fields(request.headers.map(([name, value]) => [name, value.replace(/;h=.*/, ';h=…')])),
    note(`No body. Sealed in the header, as h=…: ${formatLength(sealed.length)}`),
    dump(sealed, perLine),
  ];
}

function response(side, perLine) {
  const { response: message, error } = side ?? {};
  const failed = error === undefined ? [] : [note(error, 'failure')];
  if (message === undefined) return failed.length > 0 ? failed : [note('Nothing yet.')];
  const line = h('p', { className: 'start-line', textContent: String(message.status) });
  return [line, ...fields(message.headers), ...body(message, perLine), ...failed];
}

function startLine({ method, path }) {
  return h('p', { className: 'start-line' }, h('b', { textContent: method }), ` ${path}`);
}

function fields(headers) {
  if (headers.length === 0) return [];
  const rows = headers.map(([name, value]) =>
    h('div', {}, h('dt', { textContent: name }), h('dd', { textContent: value })),
  );
  return [h('dl', { className: 'fields' }, ...rows)];
}

function body({ headers, body: captured }, perLine) {
  if (captured === undefined || captured.length === 0) return [note('No body.')];
  if (captured.parts !== undefined) return [note('A form:'), parts(captured.parts)];
  const length = formatLength(captured.length);
  if (isText(headers)) return [note(length), block(textOf(captured))];
  return [note(length), dump(captured.bytes, perLine, captured.length)];
}

function parts(list) {
  const rows = list.map(({ name, value, file }) => {
    const text =
      file === undefined ? value : `${file.name}, ${file.type || 'no type'}, ${formatLength(file.size)}`;
    return h('div', {}, h('dt', { textContent: name }), h('dd', { textContent: text }));
  });
  return h('dl', { className: 'fields' }, ...rows);
}

function dump(bytes, perLine, length = bytes.length) {
  const lines = hexDump(bytes.subarray(0, maxShown), perLine).map(({ hex, ascii }) =>
    h('span', {}, h('span', { className: 'hex', textContent: hex }), `  ${ascii}\n`),
  );
  const more = length - Math.min(bytes.length, maxShown);
  return block(...lines, more > 0 ? `… and ${formatLength(more)} more` : '');
}

/** Long ones scroll, also by the keyboard. */
function block(...content) {
  return h('pre', { tabIndex: 0, 'aria-label': 'Body', role: 'group' }, ...content);
}

function note(text, className = '') {
  return h('p', { className: `note-line ${className}`, textContent: text });
}
