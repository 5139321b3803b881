// The beginning of a body and its length: enough to show, however long the body is.
import { decodeBase64Url } from '@sealwire/core';

/** How much of a body is kept, in bytes. */
const maxKept = 4096;

/**
 * @typedef {object} Captured
 * @property {Uint8Array} bytes the first of them
 * @property {number} length of all so far
 * @property {FormPart[]} [parts] instead of bytes, where the app gave a form
 *
 * @typedef {{ name: string, value: string, file: { name: string, type: string, size: number } | undefined }} FormPart
 */

export function capture() {
  return { bytes: new Uint8Array(), length: 0 };
}

function add(captured, chunk) {
  captured.length += chunk.length;
  const room = maxKept - captured.bytes.length;
  if (room <= 0) return;
  const kept = new Uint8Array(captured.bytes.length + Math.min(room, chunk.length));
  kept.set(captured.bytes);
  kept.set(chunk.subarray(0, room), captured.bytes.length);
  captured.bytes = kept;
}

/**
 * Captures the body of a request: all kinds that this app and the sealed fetch use. A Blob's bytes come a little later,
 * those of a stream when it is recorded().
 * @returns {Captured | undefined}
 */
export function captureBody(body) {
  if (body === undefined || body === null) return undefined;
  const captured = capture();
  if (typeof body === 'string') add(captured, new TextEncoder().encode(body));
  else if (body instanceof Uint8Array) add(captured, body);
  else if (body instanceof Blob) captureBlob(captured, body);
  else if (body instanceof FormData) captureForm(captured, body);
  return captured;
}

async function captureBlob(captured, blob) {
  captured.length = blob.size;
  captured.bytes = new Uint8Array(await blob.slice(0, maxKept).arrayBuffer());
}

function captureForm(captured, form) {
  captured.parts = [];
  for (const [name, value] of form) {
    const isFile = typeof value !== 'string';
    captured.length += isFile ? value.size : value.length;
    const file = isFile ? { name: value.name, type: value.type, size: value.size } : undefined;
    captured.parts.push({ name, value: isFile ? '' : value, file });
  }
}

/**
 * The same response, its body recorded as it is read: chunk by chunk, no faster and no slower than without.
 * @param {Response} response
 * @param {Captured} captured
 * @param {() => void} progress called for each chunk
 * @param {(error?: Error) => void} ended called once
 */
export function passThrough(response, captured, progress, ended) {
  if (response.body === null) {
    ended();
    return response;
  }
  const { status, statusText, headers } = response;
  return new Response(recorded(response.body, captured, progress, ended), { status, statusText, headers });
}

/** The same stream, recorded as it is read; the other parameters are those of passThrough(). */
export function recorded(stream, captured, progress, ended) {
  const reader = stream.getReader();
  return new ReadableStream(
    {
      async pull(controller) {
        try {
          const { done, value } = await reader.read();
          if (done) {
            controller.close();
            ended();
          } else {
            add(captured, value);
            controller.enqueue(value);
            progress();
          }
        } catch (error) {
          ended(error);
          throw error;
        }
      },
      cancel(reason) {
        ended();
        return reader.cancel(reason);
      },
    },
    { highWaterMark: 0 },
  );
}

/** True if a body is text by what its headers say. */
export function isText(headers) {
  const type = headers.find(([name]) => name === 'content-type')?.[1] ?? '';
  // A handshake is JSON in a type of its own, a key configuration a signed JSON.
  return /^text\/|json|jws|\.handshake$/i.test(type.split(';')[0]);
}

/** The text of a captured body, JSON laid out. */
export function textOf({ bytes, length }) {
  const text = new TextDecoder().decode(bytes);
  if (length > bytes.length) return `${text} …`;
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}

/** The sealed message that a request without a body carries in its header. */
export function messageInHeader(headers) {
  const value = headers.find(([name]) => name === 'sealwire')?.[1];
  const h = value?.split(';h=')[1];
  return h === undefined ? undefined : decodeBase64Url(h);
}
