// What a CDN in between writes into its log about an exchange: its log line, and the beginning of the bodies, as those
// that inspect bodies keep it.
import { messageInHeader } from './captured.js';

/** How much of a body such a log keeps, in bytes. */
const maxLogged = 48;
const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/**
 * @param {import('./wire-tap.js').Exchange} exchange
 * @returns {string} lines in the common log format (https://httpd.apache.org/docs/2.4/logs.html#common), and two more
 */
export function cdnLog({ wire, startedAt }) {
  if (wire === undefined) return '';
  const { request, response } = wire;
  const sent = messageInHeader(request.headers) ?? beginning(request.body);
  const line = `127.0.0.1 - - [${logTime(performance.timeOrigin + startedAt)}] "${request.method} ${request.path} ${protocol()}"`;
  return [
    `${line} ${response?.status ?? '-'} ${response?.body?.length ?? '-'}`,
    `request_body=${quoted(sent)}`,
    `response_body=${quoted(beginning(response?.body))}`,
  ].join('\n');
}

function beginning(captured) {
  if (captured?.parts !== undefined) {
    const text = captured.parts.map(({ name, value, file }) => `${name}=${file?.name ?? value}`).join('&');
    return new TextEncoder().encode(text);
  }
  return captured?.bytes ?? new Uint8Array();
}

/** Printable ASCII as it is, other bytes in hex. */
function quoted(bytes) {
  if (bytes.length === 0) return '-';
  const shown = [...bytes.subarray(0, maxLogged)].map((byte) =>
    byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : `\\x${byte.toString(16).padStart(2, '0')}`,
  );
  return `'${shown.join('')}'${bytes.length > maxLogged ? '…' : ''}`;
}

function logTime(at) {
  const date = new Date(at);
  const two = (number) => String(number).padStart(2, '0');
  const day = `${two(date.getUTCDate())}/${months[date.getUTCMonth()]}/${date.getUTCFullYear()}`;
  return `${day}:${two(date.getUTCHours())}:${two(date.getUTCMinutes())}:${two(date.getUTCSeconds())} +0000`;
}

/** What the page itself came over. */
function protocol() {
  const [page] = performance.getEntriesByType('navigation');
  return page?.nextHopProtocol === 'h2' ? 'HTTP/2' : 'HTTP/1.1';
}
