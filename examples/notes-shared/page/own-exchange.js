// What the client does by itself, in words: the app sees nothing of it.
import { decodeBase64Url, fromUtf8, suiteById } from '@sealwire/core';
import { h } from './dom.js';

const date = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'short' });

/** @param {import('./wire-tap.js').Exchange} exchange */
export function explainRequest({ kind, wire }) {
  if (kind === 'configuration') {
    return [
      p('Nothing. The client asks for the server’s public keys by itself, before its first handshake.'),
    ];
  }
  const suite = parse(wire?.request.body)?.suite;
  return [
    p('Nothing. The client agrees on a key with the server by itself, once per session.'),
    ...facts({ Suite: suite && suiteById(suite)?.name }),
  ];
}

/** @param {import('./wire-tap.js').Exchange} exchange */
export function explainResponse({ kind, wire }) {
  const answer = parse(wire?.response?.body);
  if (answer === undefined) return [];
  if (kind === 'handshake') {
    return [
      p('Both ends now hold a key that never travelled. All that follows costs symmetric cryptography only.'),
    ];
  }
  const { aud, exp, keys } = JSON.parse(fromUtf8(decodeBase64Url(answer.payload)));
  return [
    p(
      'The keys are public, so they are signed and not sealed. The client checks the signature against its pin.',
    ),
    ...facts({
      Origin: aud.join(', '),
      Suites: keys.flatMap(({ suites }) => suites.map((id) => suiteById(id)?.name ?? id)).join(', '),
      'Valid until': date.format(exp),
    }),
  ];
}

function p(text) {
  return h('p', { className: 'words', textContent: text });
}

function facts(values) {
  const rows = Object.entries(values)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => h('div', {}, h('dt', { textContent: name }), h('dd', { textContent: value })));
  return rows.length === 0 ? [] : [h('dl', { className: 'fields' }, ...rows)];
}

/** JSON that was captured whole; undefined as long as it was not. */
function parse(captured) {
  try {
    return JSON.parse(fromUtf8(captured.bytes));
  } catch {
    return undefined;
  }
}
