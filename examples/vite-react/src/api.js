// The one place that knows of Sealwire. Everything else calls an API as any page does.
import { createSealedFetch } from '@sealwire/client';

// The pin is a constant of the build. It protects from everybody on the path to the API, but not from whoever can change
// this file on its way to the browser: here page and API come from the same server, which is fit for showing how things
// work. In earnest the page comes from elsewhere than through the middle that it shall be safe from.
const identity = import.meta.env.VITE_ORDERS_PIN;

const sealedFetch = createSealedFetch({ origin: location.origin, identity });
// The handshake now, so that the first call does not wait for it. If it fails, that call says why.
sealedFetch.ready().catch(() => {});

async function call(method, path, init) {
  const response = await sealedFetch(path, { method, ...init });
  if (response.ok) return response;
  const { error } = await response.json().catch(() => ({}));
  throw new Error(error ?? `The server answered ${response.status}.`);
}

/** The orders, newest first, each `{ id, item }`. */
export async function listOrders({ signal }) {
  return (await call('GET', '/api/orders', { signal })).json();
}

export async function putOrder({ id, item }) {
  const headers = { 'content-type': 'application/json' };
  await call('PUT', `/api/orders/${id}`, { headers, body: JSON.stringify({ item }) });
}

export async function deleteOrder({ id }) {
  await call('DELETE', `/api/orders/${id}`);
}
