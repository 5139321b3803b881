// The notes as the page uses them. Nothing here knows of seals: it takes any fetch.
import { readEvents } from './event-stream.js';

/** @param {typeof fetch} fetch */
export function createApi(fetch) {
  async function call(method, path, init = {}) {
    const response = await fetch(path, { method, ...init }).catch(explain);
    if (response.ok) return response;
    const { error } = await response.json().catch(() => ({}));
    throw new Error(error ?? `The server answered ${response.status}.`);
  }

  return {
    async list() {
      return (await call('GET', '/notes')).json();
    },

    /** @param {boolean} [bound] whether only who has this client's key gets it */
    async create(text, bound) {
      const headers = { 'Content-Type': 'application/json' };
      const body = JSON.stringify({ text, ...(bound && { bound }) });
      return (await call('POST', '/notes', { headers, body })).json();
    },

    async remove(id) {
      await call('DELETE', `/notes/${id}`);
    },

    /**
     * @param {File} file
     * @param {{ signal?: AbortSignal, onUploadProgress?: (progress: { loaded: number, total?: number }) => void }} [init]
     */
    async attach(id, file, init = {}) {
      const body = new FormData();
      body.append('file', file);
      return (await call('POST', `/notes/${id}/files`, { ...init, body })).json();
    },

    /** @returns {Promise<Blob>} */
    async download(id, fileId) {
      return (await call('GET', `/notes/${id}/files/${fileId}`)).blob();
    },

    /** Changes as they happen, each with its `type` and `note`, until the connection or the signal ends. */
    async changes(signal) {
      const init = { headers: { Accept: 'text/event-stream' }, ...(signal && { signal }) };
      return changesIn(await call('GET', '/feed', init));
    },
  };
}

/** Every browser has words of its own for a network that fails, always in a TypeError. */
function explain(error) {
  if (error instanceof TypeError) throw new Error('The server cannot be reached.', { cause: error });
  throw error;
}

async function* changesIn(response) {
  for await (const { type, data } of readEvents(response)) yield { type, note: JSON.parse(data) };
}
