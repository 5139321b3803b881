// Seals requests as @sealwire/client does, but synchronously, many at a time, and without sending them.
import {
  aeadOpen,
  aeadSeal,
  beginHandshake,
  concat,
  configurationPath,
  decodeResponseHead,
  encodeRequestHead,
  formatSealwireHeader,
  handshakeType,
  headLength,
  maxExchanges,
  messageNonceLength,
  RecordReader,
  RecordWriter,
  randomBytes,
  requestKeys,
  responseKeys,
  usableKeys,
  verifyConfiguration,
} from '@sealwire/core';

/** A session of a server, whose numbers are handed out in order; a new one begins when they are used up. */
export class SealedClient {
  #origin;
  #authority;
  #pins;
  #session;
  #n = 0;

  constructor(origin, pins) {
    this.#origin = origin;
    this.#authority = new URL(origin).host;
    this.#pins = pins;
  }

  /** Makes sure that the session has so many numbers left. */
  async reserve(count) {
    if (this.#session !== undefined && this.#n + count <= maxExchanges) return;
    const response = await fetch(this.#origin + configurationPath);
    const { payload } = await verifyConfiguration(new Uint8Array(await response.arrayBuffer()), {
      origin: this.#origin,
      identities: this.#pins,
      now: Date.now(),
    });
    const [key] = await usableKeys(payload, Date.now());
    const handshake = await beginHandshake(key, Date.now());
    const reply = await fetch(this.#origin + payload.handshake, {
      method: 'POST',
      headers: { 'content-type': handshakeType },
      body: handshake.body,
    });
    this.#session = await handshake.finish(new Uint8Array(await reply.arrayBuffer()));
    this.#n = 0;
  }

  /** The next request: what goes into the `Sealwire` header, its body, and what opens the response. */
  seal({ path, fields, body }) {
    const { sid, master } = this.#session;
    const n = this.#n++;
    const head = encodeRequestHead({
      method: 'POST',
      scheme: 'http',
      authority: this.#authority,
      path,
      fields: [...fields, ['sealwire-time', String(Date.now())]],
    });
    const message = sealMessage(head, body, (nonce) => requestKeys(master, n, nonce));
    const nonceQ = message.subarray(0, messageNonceLength);
    return {
      header: formatSealwireHeader({ sid, n }),
      message,
      open: (response) => openMessage(response, (nonceP) => responseKeys(master, n, nonceQ, nonceP)),
    };
  }
}

/** A message of one record. */
export function sealMessage(head, body, keysOf) {
  const nonce = randomBytes(messageNonceLength);
  const { key, baseNonce } = keysOf(nonce);
  const record = new RecordWriter(baseNonce).next('final', head.length + body.length);
  return concat(nonce, record.header, ...aeadSeal(key, record.nonce, record.header, [head, body]));
}

/** The status and body of a response of one record. */
export function openMessage(message, keysOf) {
  const { key, baseNonce } = keysOf(message.subarray(0, messageNonceLength));
  const reader = new RecordReader(baseNonce);
  reader.push(message.subarray(messageNonceLength));
  const { nonce, header, parts, tag } = reader.next();
  reader.end();
  const plaintext = concat(...aeadOpen(key, nonce, header, parts, tag));
  const length = headLength(plaintext);
  return {
    status: decodeResponseHead(plaintext.subarray(0, length)).status,
    body: plaintext.subarray(length),
  };
}
