import { isErrorCode, SealwireError } from '@sealwire/core';
import { inTime } from '../deadline.ts';
import { type Failure, type FailureMessage, probePath, takeOver } from './messages.ts';

export interface SealedWorkerOptions extends RegistrationOptions {
  /** Hears why a request of this page failed. The request itself fails as on the network. */
  onFailure?: (error: SealwireError, request: { method: string; url: string }) => void;
}

/** A URL; under Trusted Types a `TrustedScriptURL`, which not every version of TypeScript knows. */
type WorkerUrl = string | URL | { toJSON(): string };

/**
 * Registers the worker that calls `sealRequests()` and waits until it seals what this page sends: from then on ordinary
 * requests are sealed ones, and the first has no handshake to wait for. A page sends nothing that matters before.
 *
 * @example
 * await registerSealedWorker('/worker.js');
 *
 * @throws SealwireError `worker-unavailable` where requests of this page would pass the worker by, and whatever its
 *   handshake fails with
 */
export async function registerSealedWorker(
  url: WorkerUrl,
  { onFailure, ...options }: SealedWorkerOptions = {},
): Promise<ServiceWorkerRegistration> {
  const container = globalThis.navigator?.serviceWorker;
  if (container === undefined) {
    throw unavailable('Browsers offer them on https:// and on http://localhost only.');
  }
  let registration: ServiceWorkerRegistration;
  try {
    registration = await container.register(url as string, options);
  } catch (cause) {
    throw unavailable('Its script could not be registered.', cause);
  }
  const failure = await inTime(
    async (signal) => {
      const origin = await askToTakeOver(await activated(registration), signal);
      await controlled(container, signal);
      return await probe(origin, signal);
    },
    (cause) => unavailable('It does not seal what this page sends.', cause),
  );
  if (failure !== null) throw errorOf(failure);
  if (onFailure !== undefined) {
    container.addEventListener('message', ({ data }: MessageEvent<FailureMessage | undefined>) => {
      if (data?.type !== 'sealwire-failure') return;
      onFailure(errorOf(data.failure), { method: data.method, url: data.url });
    });
    container.startMessages();
  }
  return registration;
}

/** The newest worker, when it is ready for events. */
async function activated({ installing, waiting, active }: ServiceWorkerRegistration): Promise<ServiceWorker> {
  const worker = (installing ?? waiting ?? active) as ServiceWorker;
  await new Promise<void>((resolve, reject) => {
    const check = () => {
      if (worker.state === 'activated') resolve();
      else if (worker.state === 'redundant') reject(unavailable('Its script failed.'));
    };
    worker.addEventListener('statechange', check);
    check();
  });
  return worker;
}

function askToTakeOver(worker: ServiceWorker, signal: AbortSignal): Promise<string> {
  const { port1, port2 } = new MessageChannel();
  signal.addEventListener('abort', () => port1.close());
  return new Promise((resolve) => {
    port1.onmessage = ({ data }) => {
      port1.close();
      resolve(data as string);
    };
    worker.postMessage(takeOver, [port2]);
  });
}

/** A worker that took over says so before the page knows. */
async function controlled(container: ServiceWorkerContainer, signal: AbortSignal): Promise<void> {
  if (container.controller !== null) return;
  await new Promise((resolve) =>
    container.addEventListener('controllerchange', resolve, { once: true, signal }),
  );
}

/** Only a worker through which this page's requests go answers this. */
async function probe(origin: string, signal: AbortSignal): Promise<Failure | null> {
  try {
    const response = await fetch(origin + probePath, { cache: 'no-store', signal });
    if (response.ok) return (await response.json()) as Failure | null;
  } catch (cause) {
    throw unavailable('Requests of this page pass it by.', cause);
  }
  throw unavailable('Requests of this page pass it by.');
}

function errorOf({ code, message }: Failure): SealwireError {
  // Not the worker's: a server that answers every path with JSON, or a worker of another version.
  if (!isErrorCode(code))
    return unavailable('Requests of this page pass it by, or it is of another version.');
  return Object.assign(new SealwireError(code), { message });
}

function unavailable(detail: string, cause?: unknown): SealwireError {
  return new SealwireError('worker-unavailable', detail, { cause });
}
